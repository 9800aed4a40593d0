/** Where a bundle lies: a folder, or one .zip of files that are stored as they are (PKWARE APPNOTE 6.3.10), which every system opens. */
import { appendFile, mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Sink } from '../audit/bundle.ts'
import type { BundleFiles } from '../audit/verify.ts'

/** Bytes: what the format can tell without its 64-bit extension. */
const largestZip = 0xffff_ffff
const mostPieces = 1 << 20

export type BundleTarget = { sink: Sink; close(): Promise<void> }

/** @throws Error where something is there already */
export async function openTarget(path: string): Promise<BundleTarget> {
  if (await stat(path).then((found) => !found.isDirectory(), () => false)) throw new Error(`${path} is there already`)
  if ((await readdir(path).catch(() => [])).length > 0) throw new Error(`${path} is not empty`)
  if (!path.endsWith('.zip')) return toFolder(path)
  const files = new Map<string, Buffer[]>()
  return {
    sink: (file, text) => void files.set(file, [...(files.get(file) ?? []), Buffer.from(text)]),
    close: () => writeFile(path, zipped(Array.from(files, ([name, pieces]) => [name, Buffer.concat(pieces)])), { flag: 'wx' }),
  }
}

async function toFolder(path: string): Promise<BundleTarget> {
  await mkdir(path, { recursive: true })
  const waiting = new Map<string, string[]>()
  const flush = async (file: string): Promise<void> => {
    const text = waiting.get(file)?.join('') ?? ''
    waiting.set(file, [])
    await appendFile(join(path, file), text)
  }
  const lengths = new Map<string, number>()
  return {
    // A line at a time would be a system call each.
    async sink(file, text) {
      waiting.set(file, waiting.get(file) ?? [])
      waiting.get(file)!.push(text)
      const length = (lengths.get(file) ?? 0) + text.length
      lengths.set(file, length < mostPieces ? length : 0)
      if (length >= mostPieces) await flush(file)
    },
    async close() {
      for (const file of waiting.keys()) await flush(file)
    },
  }
}

/** @throws Error for what is neither a folder nor such a .zip */
export async function openBundle(path: string): Promise<BundleFiles> {
  if ((await stat(path)).isDirectory()) return inFolder(path)
  const files = unzipped(await readFile(path))
  return {
    read: async (name) => files.get(name),
    async *pieces(name) {
      const bytes = files.get(name)
      if (bytes) yield bytes
    },
  }
}

const inFolder = (path: string): BundleFiles => ({
  read: (name) => readFile(join(path, name)).catch(unlessMissing),
  async *pieces(name) {
    const file = await open(join(path, name)).catch(unlessMissing)
    if (!file) return
    try {
      yield* file.createReadStream({ autoClose: false })
    } finally {
      await file.close()
    }
  },
})

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

const [localHeader, centralHeader, endOfCentral] = [0x04034b50, 0x02014b50, 0x06054b50]
/** 1980-01-01, the earliest that the format can say: the same content is the same file. */
const noTime = 0x0021_0000

/** @throws RangeError */
export function zipped(files: readonly (readonly [name: string, content: Buffer])[]): Buffer {
  const [bodies, directory]: [Buffer[], Buffer[]] = [[], []]
  let at = 0
  for (const [name, content] of files) {
    const title = Buffer.from(name)
    const common = Buffer.alloc(26)
    // Version 2.0; names in UTF-8; stored.
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x0800, 2)
    common.writeUInt32LE(noTime, 6)
    common.writeUInt32LE(crc32(content), 10)
    common.writeUInt32LE(content.length, 14)
    common.writeUInt32LE(content.length, 18)
    common.writeUInt16LE(title.length, 22)
    const central = Buffer.alloc(16)
    central.writeUInt32LE(at, 12)
    bodies.push(uint32(localHeader), common, title, content)
    directory.push(uint32(centralHeader), Buffer.of(20, 0), common, central.subarray(2), title)
    at += 30 + title.length + content.length
    if (at > largestZip) throw new RangeError('this is too large for a .zip: name a folder')
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.length, 4)
  end.writeUInt16LE(files.length, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(at, 12)
  return Buffer.concat([...bodies, central, uint32(endOfCentral), end])
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** @throws Error for what this program, or one that stores files as they are, has not written */
export function unzipped(bytes: Buffer): Map<string, Buffer> {
  const end = bytes.lastIndexOf(uint32(endOfCentral))
  if (end < 0 || bytes.length < end + 22) throw new Error('not a .zip')
  const files = new Map<string, Buffer>()
  let at = bytes.readUInt32LE(end + 16)
  try {
    for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
      if (bytes.readUInt32LE(at) !== centralHeader || bytes.readUInt16LE(at + 10) !== 0) throw new Error('compressed')
      const [crc, size, nameLength, extra, comment, start] = [bytes.readUInt32LE(at + 16), bytes.readUInt32LE(at + 24), bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32), bytes.readUInt32LE(at + 42)]
      const body = start + 30 + bytes.readUInt16LE(start + 26) + bytes.readUInt16LE(start + 28)
      const content = bytes.subarray(body, body + size)
      if (content.length !== size || crc32(content) !== crc) throw new Error('broken')
      files.set(bytes.toString('utf8', at + 46, at + 46 + nameLength), content)
      at += 46 + nameLength + extra + comment
    }
  } catch (error) {
    throw new Error('the .zip cannot be read: its files must be stored as they are, not compressed', { cause: error })
  }
  return files
}
