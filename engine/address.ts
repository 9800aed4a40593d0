/** What guesses from one address are counted by. */
import { BlockList, isIP } from 'node:net'

/** A listener behind a proxy sees these instead of the people's: one count for all of them would shut everybody out. RFC 6890. */
const local = new BlockList()
for (const [network, prefix] of [['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.168.0.0', 16]] as const) local.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [['::1', 128], ['fc00::', 7], ['fe80::', 10]] as const) local.addSubnet(network, prefix, 'ipv6')

/** An IPv4 address, also one that is written as IPv6 (RFC 4291, 2.5.5.2); of IPv6 the /64, which is one customer's. Undefined for what is none, and for local ones. */
export function addressKey(address: string): string | undefined {
  const text = address.replace(/%.*$/, '')
  const version = isIP(text)
  if (version === 0) return undefined
  if (version === 4) return local.check(text, 'ipv4') ? undefined : text
  const groups = groupsOf(text)
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return addressKey(groups.slice(6).flatMap((group) => [group >> 8, group & 255]).join('.'))
  }
  return local.check(text, 'ipv6') ? undefined : `${groups.slice(0, 4).map((group) => group.toString(16)).join(':')}::/64`
}

/** Eight numbers of 16 bits. */
function groupsOf(ipv6: string): number[] {
  const [head = '', tail] = ipv6.split('::').map((part) => part.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number) as [number, number, number, number]
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  }))
  const read = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [before, after] = [read(head), read(tail ?? '')]
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
}
