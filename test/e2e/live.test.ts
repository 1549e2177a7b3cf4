import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { RunResults } from '../../harness/model/results.ts'
import { chromium, openBrowser, servePage, type Tab } from '../support/chromium.ts'
import { outlast, startOutlast, temporaryFolders } from '../support/outlast.ts'

/** Set it to a folder, and the screenshots are kept there: to be looked at. */
const shots = process.env['OUTLAST_SCREENSHOTS']

async function keep(tab: Tab, name: string): Promise<void> {
  if (shots === undefined) return
  await mkdir(shots, { recursive: true })
  await writeFile(join(shots, `live-${name}.png`), await tab.screenshot(true))
}

/** Asks until it is so; rejects when that takes longer than a run. */
async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 1_800; i++) {
    if (await isSo()) return
    await sleep(50)
  }
  throw new Error(`${what}: that did not come`)
}

const textOf = (tab: Tab): Promise<string> => tab.evaluate('document.body.innerText')
const shows = (tab: Tab, text: RegExp) => until(String(text), async () => text.test(await textOf(tab)))
const isWide = (tab: Tab): Promise<boolean> =>
  tab.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')

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

describe.skipIf(!chromium)('outlast run --ui', () => {
  test('shows the run while it is under way, and ends in its report', async () => {
    await using folders = await temporaryFolders()
    await using browser = await openBrowser(join(folders.tmp, '..', 'browser'))
    const child = startOutlast(['run', 'scenarios/smoke.yaml', '--ui', '--out', folders.out], folders.tmp)
    let [said, printed] = ['', '']
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (printed += text))
    const exited = once(child, 'exit')
    await until('the address', () => said.includes('\n'))
    const [, url] = /^Live {5}(http:\/\/127\.0\.0\.1:\d+\/[\w-]+\/)\n/.exec(said)!

    const wrong = url!.replace(/.\/$/, (end) => (end === 'A/' ? 'B/' : 'A/'))
    for (const path of ['', 'events', 'report.html']) expect((await fetch(new URL(path, wrong))).status).toBe(404)
    expect((await fetch(new URL('report.html', url))).status).toBe(404)

    const [desk, phone] = [await browser.openTab(), await browser.openTab()]
    await desk.resize(1440, 900)
    await phone.resize(360, 740)
    await Promise.all([desk.open(url!), phone.open(url!)])
    const parts = await readParts(url!)
    await shows(desk, /held against the contract/)
    await shows(desk, /\d+ of \d+ cases/)
    await keep(desk, 'verification-1440')
    await keep(phone, 'verification-360')

    await shows(desk, /\d+ of \d+ right so far \[/)
    expect(await textOf(desk)).toContain('2 patterns held against the contract beforehand: none broke it')
    // The picture of each cell: clients above, tools below, all nodes between them.
    const names = await desk.evaluate<string[]>(
      '[...document.querySelectorAll(".system .name")].map((e) => e.textContent)',
    )
    expect(names).toEqual(expect.arrayContaining(['client', 'api-0', 'api-1', 'worker-0', 'store-0', 'tools']))
    await shows(desk, /armed now: kill/)
    expect(await desk.evaluate('document.querySelectorAll(".system .node.harmed").length')).toBeGreaterThan(0)
    await keep(desk, 'fault-1440')
    await keep(phone, 'fault-360')

    // In mid-run the page is loaded again: it has all of it at once, before any script ran.
    const served = await (await fetch(url!)).text()
    expect(served).toMatch(/id="cell-polling\.kill\.1"[\s\S]*id="cell-durable-postgres\.kill\.1"/)
    expect(served).toMatch(/kill-1#1 on worker-\d armed/)
    await phone.open(url!)
    expect(await textOf(phone)).toMatch(/polling under kill[\s\S]*kill-1#1 on worker-\d armed/)
    expect([await isWide(desk), await isWide(phone)]).toEqual([false, false])

    for (const tab of [desk, phone]) {
      await until('the report', () => tab.evaluate('location.pathname.endsWith("/report.html")'))
      await shows(tab, /The patterns side by side/)
    }
    await until('what is printed', () => printed.includes('History'))
    expect(await fetch(url!, { redirect: 'manual' })).toMatchObject({ status: 303 })
    await until('how long it stays', () => said.includes('The page has the report for 30 s'))
    expect(said.match(/http:/g)).toHaveLength(1)

    const [run] = await readdir(folders.out)
    const results = JSON.parse(await readFile(join(folders.out, run!, 'results.json'), 'utf8')) as RunResults
    for (const { cell, outcomes } of results.cells)
      expect(parts.get(`ended-${cell.id}`)).toContain(`>${outcomes.ok} of ${cell.tasks} [`)
    for (const tab of [desk, phone]) {
      expect(tab.complaints).toEqual([])
      const foreign = tab.requests.filter((asked) => !asked.startsWith(url!) && !asked.startsWith('data:'))
      expect(foreign).toEqual([])
    }

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
