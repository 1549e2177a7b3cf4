import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startOutlast, temporaryFolders } from '../support/outlast.ts'

test('what a run leaves is named and is exit code 5, what others made meanwhile is not', async () => {
  await using folders = await temporaryFolders()
  const harness = startOutlast(
    ['run', 'scenarios/smoke.yaml', '--no-verify', '--out', folders.out, '--quiet'],
    folders.tmp,
  )
  const closed = once(harness, 'close')
  let said = ''
  harness.stdout!.resume()
  harness.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  let own: string | undefined
  while (own === undefined) {
    await sleep(20)
    own = (await readdir(folders.tmp)).find((name) => name.startsWith('outlast-'))
  }
  // As if a part of the harness had made it and had forgotten it.
  await mkdir(join(folders.tmp, `${own}-forgotten`))
  await mkdir(join(folders.tmp, 'outlast-9-another'))
  expect((await closed)[0]).toBe(5)
  expect(said).toContain('1 thing left behind')
  expect(said).toContain(`temporary folder ${own}-forgotten`)
  expect(said).not.toContain('outlast-9-another')
  expect(await readdir(folders.tmp)).toEqual([`${own}-forgotten`, 'outlast-9-another'].toSorted())
})
