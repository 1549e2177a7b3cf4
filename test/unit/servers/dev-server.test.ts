import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { builtDevServer, devServerForImages, repackedDevServer } from '../../../servers/temporal-dev/install.ts'

const folders: string[] = []
afterEach(() => {
  vi.unstubAllEnvs()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

async function put({ program }: { readonly program: string }): Promise<void> {
  await mkdir(dirname(program), { recursive: true })
  await writeFile(program, '')
}

test('the image holds the dev server that runs use, and what Go builds where there is none', async () => {
  folders.push(mkdtempSync(join(tmpdir(), 'dev-server-')))
  vi.stubEnv('XDG_CACHE_HOME', folders[0])
  expect(devServerForImages()).toEqual(builtDevServer())
  await put(repackedDevServer())
  expect(devServerForImages()).toEqual(repackedDevServer())
  await put(builtDevServer())
  expect(devServerForImages()).toEqual(builtDevServer())
})
