import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  foreignFlaw,
  isOwn,
  mustBeOwnFolder,
  openRegular,
  readOwn,
  readRegular,
  sharedFolderFlaw,
  UntrustedFile,
} from '../../../harness/core/own-file.ts'
import { oddFiles } from '../../support/odd-files.ts'
import { execFileSync } from '../../support/programs.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'test-of-outlast-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const isRoot = process.geteuid?.() === 0
const another = 1234
const maxBytes = 1_000

function refusalOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(UntrustedFile)
    return (error as UntrustedFile).message
  }
  throw new Error('it was taken')
}

describe.each(oddFiles)('where a file is expected, $name', ({ make, says }) => {
  test('is one sentence that begins with its path, at once', async () => {
    const path = join(folder, 'odd')
    await make(path)
    expect(refusalOf(() => readOwn(path, maxBytes))).toMatch(says)
    await expect(readRegular(path, { maxBytes })).rejects.toThrow(says)
    await expect(readRegular(path, { maxBytes })).rejects.toThrow(path)
  })
})

describe('a file', () => {
  test('is read', async () => {
    const path = join(folder, 'plain')
    writeFileSync(path, 'x'.repeat(maxBytes))
    expect(readOwn(path, maxBytes)).toBe('x'.repeat(maxBytes))
    expect((await readRegular(path, { maxBytes })).toString()).toBe('x'.repeat(maxBytes))
  })

  test('of one byte too many is refused', async () => {
    const path = join(folder, 'long')
    writeFileSync(path, 'x'.repeat(maxBytes + 1))
    expect(refusalOf(() => readOwn(path, maxBytes))).toBe(`${path} has 1001 bytes; at most 1000 are read`)
    await expect(readRegular(path, { maxBytes })).rejects.toThrow('has 1001 bytes')
  })

  test.skipIf(process.platform !== 'linux')(
    'whose length nobody knows before is read to the limit and no further',
    async () => {
      await expect(readRegular('/proc/self/smaps', { maxBytes })).rejects.toThrow(/has \d+ bytes; at most 1000/)
    },
  )

  test('that is not there is the system’s own error', async () => {
    expect(() => readOwn(join(folder, 'none'), maxBytes)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    await expect(readRegular(join(folder, 'none'), { maxBytes })).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('that somebody names may be a link; a pipe behind one is still refused', async () => {
    const [path, link, pipe] = ['plain', 'link', 'pipe'].map((name) => join(folder, name)) as [string, string, string]
    writeFileSync(path, 'text')
    symlinkSync(path, link)
    await using handle = await openRegular(link, { maxBytes, follow: true })
    expect((await handle.readFile()).toString()).toBe('text')
    execFileSync('mkfifo', [pipe])
    rmSync(link)
    symlinkSync(pipe, link)
    await expect(readRegular(link, { maxBytes, follow: true })).rejects.toThrow('is a FIFO')
  })

  test('whose name holds what a terminal obeys is named in letters', async () => {
    const path = join(folder, 'a\u001b[2J\nb')
    execFileSync('mkfifo', [path])
    expect(refusalOf(() => readOwn(path, maxBytes))).toContain(String.raw`a\x1b[2J\nb is a FIFO`)
  })

  test.each([0o620, 0o602, 0o666])('of mode %o is not only ours', (mode) => {
    const path = join(folder, 'open')
    writeFileSync(path, '')
    chmodSync(path, mode)
    expect(refusalOf(() => readOwn(path, maxBytes))).toMatch(/may be written by others$/)
  })

  test.skipIf(!isRoot)('of another user is not ours (needs root)', () => {
    const path = join(folder, 'foreign')
    writeFileSync(path, '')
    chownSync(path, another, another)
    expect(refusalOf(() => readOwn(path, maxBytes))).toMatch(/belongs to uid 1234$/)
    expect(isOwn(path)).toBe(false)
  })
})

describe('a folder', () => {
  test('of ours is taken, what has its place is not', () => {
    mkdirSync(join(folder, 'own'))
    mustBeOwnFolder(join(folder, 'own'))
    symlinkSync('own', join(folder, 'link'))
    expect(refusalOf(() => mustBeOwnFolder(join(folder, 'link')))).toMatch(/is a symbolic link, not a folder/)
    execFileSync('mkfifo', [join(folder, 'pipe')])
    expect(refusalOf(() => mustBeOwnFolder(join(folder, 'pipe')))).toMatch(/is a FIFO, not a folder/)
  })

  test('into which others may write is refused, sticky or not', () => {
    chmodSync(folder, 0o1777)
    expect(refusalOf(() => mustBeOwnFolder(folder))).toMatch(/may be written by others/)
  })

  test.skipIf(!isRoot)('of another user is refused (needs root)', () => {
    chownSync(folder, another, another)
    expect(refusalOf(() => mustBeOwnFolder(folder))).toMatch(/belongs to uid 1234/)
  })

  test('that many share is fit to make ours in when it is sticky', () => {
    chmodSync(folder, 0o1777)
    expect(sharedFolderFlaw(folder)).toBeUndefined()
    chmodSync(folder, 0o777)
    expect(sharedFolderFlaw(folder)).toMatch(/may be written into by everybody/)
    chmodSync(folder, 0o755)
    expect(sharedFolderFlaw(folder)).toBeUndefined()
    expect(sharedFolderFlaw(join(folder, 'none'))).toBe('is no folder')
  })

  test.skipIf(!isRoot)('of another user is not fit for it, sticky or not (needs root)', () => {
    chownSync(folder, another, another)
    chmodSync(folder, 0o1777)
    expect(sharedFolderFlaw(folder)).toBe('belongs to uid 1234')
  })

  test.skipIf(!isRoot)(
    'of another user holds what they wrote, unless it is their code that we run (needs root)',
    () => {
      const code = join(folder, 'code')
      mkdirSync(code)
      expect(foreignFlaw(folder, code)).toBeUndefined()
      chownSync(folder, another, another)
      expect(foreignFlaw(folder, code)).toEqual({ isForeign: true, why: 'belongs to uid 1234' })
      chownSync(code, another, another)
      expect(foreignFlaw(folder, code)).toBeUndefined()
    },
  )
})
