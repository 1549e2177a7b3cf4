import { expect, test } from 'vitest'
import { spawnSync } from '../../support/programs.ts'

const file = new URL('../../../harness/targets/standstill.ts', import.meta.url).href

function ended(how: string): { readonly signal: string | null; readonly status: number | null; readonly said: string } {
  const script = `import { watchThread } from '${file}'
    const watch = watchThread('mine', 600)
    ${how}`
  const { signal, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 9_000,
  })
  return { signal, status, said: stderr }
}

test('code that never returns ends the process, which says whose it may be', () => {
  const { signal, said } = ended('for (;;);')
  expect([signal, said]).toEqual(['SIGKILL', expect.stringMatching(/for 0.6 s something never returned; code of mine/)])
})

test('who returns in time is left alone, and so is who is not watched any more', () => {
  const busy = 'const busyFor = (ms) => { for (const end = Date.now() + ms; Date.now() < end; ); }'
  const wait = 'await new Promise((resolve) => setTimeout(resolve, 900))'
  const calm = ended(`${busy}; busyFor(200); ${wait}; watch[Symbol.dispose](); busyFor(1500)`)
  expect(calm).toEqual({ signal: null, status: 0, said: '' })
})
