import { describe, expect, test } from 'vitest'
import { BadNote, checkpointText, openCheckpoint, openNote, readCheckpoint, signerOf, signNote, verifierOf } from './note.ts'

/** The example of golang.org/x/mod/sumdb/note, which c2sp.org/signed-note describes. */
const go = {
  vkey: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  seed: Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1),
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  note: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
}
/** The example of c2sp.org/tlog-checkpoint. */
const sofa = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n'
const verifier = verifierOf(go.vkey)
const [ours, other] = [1, 2].map((byte) => signerOf('keyledger/1', Buffer.alloc(32, byte)))

describe('A note', () => {
  test('is signed as the published one is, byte for byte', () => {
    const signer = signerOf('PeterNeumann', go.seed)
    expect(signer.vkey).toBe(go.vkey)
    expect(signNote(go.text, signer)).toBe(go.note)
  })

  test('that was published is opened', () => expect(openNote(go.note, verifier)).toBe(go.text))

  test('of which any character was changed is not', () => {
    for (let at = 0; at < go.note.length; at += 1) {
      const changed = `${go.note.slice(0, at)}${String.fromCharCode(go.note.charCodeAt(at) ^ 1)}${go.note.slice(at + 1)}`
      expect(() => openNote(changed, verifier), `character ${at}`).toThrow(BadNote)
    }
  })

  test.each(['', '\n', go.text, go.note.slice(0, -1), `${go.note}\n`, `${go.note}x\n`, go.note.replaceAll('\n', '\r\n'), '\n— PeterNeumann AAAA\n'])('is not %j', (text) => {
    expect(() => openNote(text, verifier)).toThrow(BadNote)
  })

  test('may be signed by others besides, and must be signed by whom it is asked for', () => {
    const note = signNote('a\n\nb\n', other!, ours!)
    expect(openNote(note, verifierOf(ours!.vkey))).toBe('a\n\nb\n')
    expect(() => openNote(signNote('a\n', other!), verifierOf(ours!.vkey))).toThrow('has not signed')
  })

  test.each(['no line', 'a tab\there\n', 'half \ud800\n'])('is not made of %j', (text) => expect(() => signNote(text, ours!)).toThrow(BadNote))
})

describe('A verifier key', () => {
  test.each([
    '', 'PeterNeumann', go.vkey.slice(0, -1), go.vkey.replace('c74f', 'c74e'), go.vkey.replace('Peter', 'Paul'), go.vkey.replace('Peter', 'Pe er'),
    // Those of the tests of golang.org/x/mod/sumdb/note: another length, another algorithm.
    'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==', 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  ])('is not %s', (vkey) => expect(() => verifierOf(vkey)).toThrow(BadNote))

  test('of the example of c2sp.org/signed-note is read', () => {
    expect(verifierOf('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k')).toMatchObject({ name: 'example.com/foo', id: '530d903a' })
  })
})

describe('A checkpoint', () => {
  test('that was published is read', () => {
    const text = sofa.slice(0, sofa.indexOf('\n\n') + 1)
    const checkpoint = readCheckpoint(text)
    expect(checkpoint).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 })
    expect(checkpointText(checkpoint)).toBe(text)
  })

  test('is opened by the key of its log alone', () => {
    const checkpoint = { origin: 'keyledger/1', size: 3, root: Buffer.alloc(32, 7) }
    expect(openCheckpoint(signNote(checkpointText(checkpoint), ours!), verifierOf(ours!.vkey))).toEqual(checkpoint)
    expect(() => openCheckpoint(signNote(checkpointText({ ...checkpoint, origin: 'keyledger/2' }), ours!), verifierOf(ours!.vkey))).toThrow('a checkpoint of keyledger/2')
  })

  const root = Buffer.alloc(32, 7).toString('base64')
  test.each(['', 'log\n', `log\n01\n${root}\n`, `log\n-1\n${root}\n`, `log\n9007199254740993\n${root}\n`, `log\n1\n${root.slice(4)}\n`, `\n1\n${root}\n`, `log\n1\n${root}`, `log\n1\n${root}\n\nx\n`])('is not %j', (text) => {
    expect(() => readCheckpoint(text)).toThrow(BadNote)
  })
})
