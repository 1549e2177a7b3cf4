import { mkdtemp, mkdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { linkLibraries } from '../../../servers/postgres/binaries.ts'

/** A package as npm unpacks it: a library, and two names for it that only its install script would make. */
async function unpacked() {
  const folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  const native = join(folder, 'native')
  await mkdir(join(native, 'lib'), { recursive: true })
  await writeFile(join(native, 'lib/libpq.so.5.18'), 'a library')
  const links = ['libpq.so', 'libpq.so.5'].map((name) => ({
    source: 'native/lib/libpq.so.5.18',
    target: `native/lib/${name}`,
  }))
  await writeFile(join(native, 'pg-symlinks.json'), JSON.stringify(links))
  const names = () => Promise.all(['libpq.so', 'libpq.so.5'].map((name) => readlink(join(native, 'lib', name))))
  return { native, names, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

test('links that no install script made are made, however often and by however many at once', async () => {
  await using found = await unpacked()
  await symlink('libpq.so.5.18', join(found.native, 'lib/libpq.so'))
  const all = await Promise.all([linkLibraries(found.native), linkLibraries(found.native)])
  expect([...all, await linkLibraries(found.native)]).toEqual([true, true, true])
  expect(await found.names()).toEqual(['libpq.so.5.18', 'libpq.so.5.18'])
})

test('links of a copy are made in the copy, whatever its name', async () => {
  await using found = await unpacked()
  const copy = `${found.native}-of-a-run.17`
  await rename(found.native, copy)
  expect(await linkLibraries(copy)).toBe(true)
  expect(await readlink(join(copy, 'lib/libpq.so'))).toBe('libpq.so.5.18')
})

test('a platform whose package needs no links has none', async () => {
  await using found = await unpacked()
  await rm(join(found.native, 'pg-symlinks.json'))
  expect(await linkLibraries(found.native)).toBe(true)
  await expect(found.names()).rejects.toThrow(/ENOENT/)
})

test.skipIf(process.platform !== 'linux')(
  'a folder that cannot be written is told apart, so that the run makes a copy',
  async () => {
    await using found = await unpacked()
    await rm(join(found.native, 'lib'), { recursive: true })
    // Nobody makes files there, root included.
    await symlink('/sys/kernel', join(found.native, 'lib'))
    expect(await linkLibraries(found.native)).toBe(false)
  },
)

test('a package that is not whole is said to be so', async () => {
  await using found = await unpacked()
  await rm(join(found.native, 'lib'), { recursive: true })
  await expect(linkLibraries(found.native)).rejects.toThrow(/cannot link the libraries of PostgreSQL in .*ENOENT/)
})
