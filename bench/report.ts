/**
 * The report of a large run: how long it takes to make, how many bytes it is, and how long a browser needs until it can be used:
 * all of it is laid out and painted, and the first square of the matrix has opened at a press of a key.
 *
 * usage: node bench/report.ts [TASKS]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import { openRegistry } from '../harness/registry.ts'
import html from '../reports/formats/html.ts'
import { openBrowser, servePage, type Tab } from '../test/support/chromium.ts'
import { largeRun } from '../test/support/large-run.ts'

const tasks = Number(process.argv[2] ?? 30_000)
const results = largeRun(tasks, await openRegistry().checkers())
const startedAt = monotonicMs()
const markup = html.render(results)
const renderMs = monotonicMs() - startedAt
const profile = await mkdtemp(join(tmpdir(), 'outlast-bench-report-'))
const rows: number[][] = []
{
  await using page = await servePage(markup)
  await using browser = await openBrowser(profile)
  for (let round = 0; round < 5; round++) rows.push(await visit(await browser.openTab(), page.url))
}
await rm(profile, { recursive: true, force: true, maxRetries: 5 })
const medians = [0, 1, 2].map((i) => rows.map((row) => row[i]!).toSorted((a, b) => a - b)[2]!)
console.log('| tasks | bytes | made in ms | first paint ms | loaded ms | usable ms |')
console.log('| ----: | ----: | ---------: | -------------: | --------: | --------: |')
const told = [tasks, Buffer.byteLength(markup), renderMs, ...medians]
console.log(`| ${told.map((one) => one.toFixed(0)).join(' | ')} |`)

/** From the navigation on: first paint, loaded, and usable. */
async function visit(tab: Tab, url: string): Promise<number[]> {
  await tab.resize(1440, 900)
  await tab.open(url)
  await tab.evaluate("document.querySelector('details.tile summary').focus()")
  await tab.press('Enter')
  return tab.evaluate(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
    if (!document.querySelector('details.tile[open]')) throw new Error('it did not open')
    const [at] = performance.getEntriesByType('navigation')
    const [paint] = performance.getEntriesByName('first-contentful-paint')
    done([paint?.startTime ?? 0, at.loadEventEnd, performance.now()])
  })))`)
}
