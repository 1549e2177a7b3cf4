import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { RunResults } from '../../harness/model/results.ts'
import { audit, wantScheme } from '../support/axe.ts'
import { chromium, openBrowser, servePage, type Tab } from '../support/chromium.ts'
import { outlast, startOutlast, temporaryFolders } from '../support/outlast.ts'

/** Set it to a folder, and the screenshots are kept there: to be looked at. */
const shots = process.env['OUTLAST_SCREENSHOTS']

/** Looks at the page on a desk and on a phone: nothing is wider than the screen, and axe has nothing against it. */
async function look(tab: Tab, name: string): Promise<void> {
  for (const [width, height] of [
    [360, 740],
    [1440, 900],
  ] as const) {
    await tab.resize(width, height)
    const most = await tab.evaluate<number>('document.documentElement.scrollWidth')
    expect(most).toBeLessThanOrEqual(width)
    // Colours are the scheme's, and the layout the screen's: two audits see all of both.
    await wantScheme(tab, width === 360 ? 'light' : 'dark')
    expect(await audit(tab)).toEqual([])
    await wantScheme(tab)
    if (shots === undefined) continue
    await mkdir(shots, { recursive: true })
    await writeFile(join(shots, `live-${name}-${width}.png`), await tab.screenshot(true))
  }
}

/** Asks until it is so; rejects when that takes longer than a run. */
async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const limit = performance.now() + 200_000
  while (performance.now() < limit) {
    if (await isSo()) return
    await sleep(150)
  }
  throw new Error(`${what}: that did not come`)
}

const textOf = (tab: Tab): Promise<string> => tab.evaluate('document.body.innerText')
const shows = (tab: Tab, text: RegExp) => until(String(text), async () => text.test(await textOf(tab)))

/** The stream as a program reads it: every part as it was last. */
async function readParts(url: string): Promise<Map<string, string>> {
  const parts = new Map<string, string>()
  const { body } = await fetch(new URL('events', url))
  let rest = ''
  void (async () => {
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        const [, data] = /^event: part\ndata: (.*)$/m.exec(block) ?? []
        const { id, html } = JSON.parse(data ?? '{"id":""}') as { id: string; html: string }
        parts.set(id, html)
      }
    }
  })().catch(() => {})
  return parts
}

/** Faults that last for seconds, so that they are seen. */
const scenario = `name: watched
question: What does a viewer see?
seed: 7
timeScale: 15
profile: smoke
patterns: [polling, durable-postgres]
load: { tasks: 40, arrivals: uniform, rate: 10/min }
grace: 2m
replicas: { api: 2, executor: 2 }
restartDelay: 15s
arms:
  both:
    - { fault: latency, target: client->api-0, at: 30s, for: 2m, delay: 3s }
    - { fault: kill, target: executor-0, at: 45s, for: 90s }
`

describe.skipIf(!chromium)('outlast run --ui', () => {
  test('shows the run while it is under way, and ends in its report', async () => {
    await using folders = await temporaryFolders()
    await using browser = await openBrowser(join(folders.tmp, '..', 'browser'))
    const file = join(folders.tmp, '..', 'watched.yaml')
    await writeFile(file, scenario)
    const child = startOutlast(['run', file, '--ui', '--out', folders.out], folders.tmp)
    let [said, printed] = ['', '']
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (printed += text))
    const exited = once(child, 'exit')
    await until('the address', () => said.includes('\n'))
    const [, url] = /^Live {5}(http:\/\/127\.0\.0\.1:\d+\/[\w-]+\/)\n/.exec(said)!

    const wrong = url!.replace(/.\/$/, (end) => (end === 'A/' ? 'B/' : 'A/'))
    for (const path of ['', 'events', 'report.html']) expect((await fetch(new URL(path, wrong))).status).toBe(404)
    expect((await fetch(new URL('report.html', url))).status).toBe(404)

    const desk = await browser.openTab()
    await desk.open(url!)
    const parts = await readParts(url!)
    await shows(desk, /held against the contract/)
    await shows(desk, /\d+ of \d+ cases/)
    await look(desk, 'verification')

    await until(
      'both systems',
      async () => (await desk.evaluate<number>('document.querySelectorAll(".system").length')) === 2,
    )
    await shows(desk, /\d+ of \d+ right so far \[/)
    expect(await textOf(desk)).toMatch(/2 patterns keep the contract|whether it is kept is undecided: /)
    // The picture of each cell: clients above, tools below, all nodes between them.
    const names = await desk.evaluate<string[]>(
      '[...document.querySelectorAll(".system .name")].map((e) => e.textContent)',
    )
    expect(names).toEqual(expect.arrayContaining(['client', 'api-0', 'api-1', 'worker-0', 'store-0', 'tools']))
    await shows(desk, /armed now: latency, kill/)
    for (const what of ['.node.harmed.down', '.link.harmed'])
      expect(await desk.evaluate(`document.querySelectorAll(".system ${what}").length`)).toBeGreaterThan(0)
    await look(desk, 'fault')

    // In mid-run the page is loaded again: it has all of it at once, before any script ran.
    const served = await (await fetch(url!)).text()
    expect(served).toContain('id="cell-polling.both.1"')
    expect(served).toContain('id="cell-durable-postgres.both.1"')
    expect(served).toContain('kill-1#1 on worker-0 armed')
    await desk.open(url!)
    expect(await textOf(desk)).toMatch(/polling under both[\s\S]*kill-1#1 on worker-0 armed/)

    await until('the report', () => desk.evaluate('location.pathname.endsWith("/report.html")'))
    await shows(desk, /The patterns side by side/)
    await until('what is printed', () => printed.includes('History'))
    expect(await fetch(url!, { redirect: 'manual' })).toMatchObject({ status: 303 })
    await until('how long it stays', () => said.includes('The page has the report for 30 s'))
    expect(said.match(/http:/g)).toHaveLength(1)

    const [run] = await readdir(folders.out)
    const results = JSON.parse(await readFile(join(folders.out, run!, 'results.json'), 'utf8')) as RunResults
    for (const { cell, outcomes } of results.cells)
      expect(parts.get(`ended-${cell.id}`)).toContain(`>${outcomes.ok} of ${cell.tasks} [`)
    expect(desk.complaints).toEqual([])
    expect(desk.requests.filter((asked) => !asked.startsWith(url!) && !asked.startsWith('data:'))).toEqual([])

    child.kill('SIGINT')
    const [code] = (await exited) as [number]
    const checked = await outlast(['check', join(folders.out, run!)], folders.tmp)
    expect(code).toBe(checked.code)
    await expect(fetch(url!)).rejects.toThrow()
  })

  test('no page of others can show it, and a viewer that goes holds nobody up', async () => {
    await using folders = await temporaryFolders()
    await using browser = await openBrowser(join(folders.tmp, '..', 'browser'))
    const args = ['run', 'scenarios/smoke.yaml', '--ui', '--no-verify', '--max-duration', '12s', '--out', folders.out]
    const child = startOutlast(args, folders.tmp)
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.stdout!.resume()
    const exited = once(child, 'exit')
    await until('the address', () => said.includes('\n'))
    const [, url] = /^Live {5}(\S+)\n/.exec(said)!
    await using page = await servePage(`<!doctype html><link rel="icon" href="data:,"><iframe src="${url}"></iframe>`)
    const tab = await browser.openTab()
    await tab.open(page.url)
    expect(JSON.stringify(tab.complaints)).toContain('frame-ancestors')
    await tab.open('about:blank')
    await exited
    expect(said).not.toContain('The page has the report')
  })
})
