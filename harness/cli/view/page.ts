import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { plural } from '../../../reports/numbers.ts'
import { monotonicMs, sleep } from '../../../patterns/contract/types/timer.ts'
import { LivePage } from '../../live/live-page.ts'
import type { Plan } from '../../model/plan.ts'
import { allVisible } from '../../core/visible.ts'
import { say } from '../output.ts'

/** Opens the live page of a run and says where it is, once: its address is its key. */
export async function openPage(plan: Plan): Promise<LivePage> {
  const { scenario, question, seed, runtime, timeScale, cells } = allVisible(plan)
  const facts = [plural(cells.length, 'cell'), `seed ${seed}`, `runtime ${runtime}`]
  if (timeScale !== 1) facts.push(`time compressed ${timeScale}×`)
  const page = await LivePage.open({ scenario, question, facts }, monotonicMs)
  say(`Live     ${page.url}`)
  return page
}

/** How long the report can be had there once the run has ended, where somebody watches. */
const staysMs = 30_000
/** After an interrupt: time enough to fetch it. */
const partingMs = 2_000

/** Sends viewers on to the report, and gives them time for it: until Ctrl-C. Without viewers it returns at once. */
export async function partWith(page: LivePage, folder: string, isCut: boolean): Promise<void> {
  const report = join(folder, 'report.html')
  const isWatched = page.end(existsSync(report) ? { report } : { why: 'it could not be written' })
  if (!isWatched) return
  if (!isCut) say(`The page has the report for ${staysMs / 1000} s; Ctrl-C ends that`)
  await signalOrTime(isCut ? partingMs : staysMs)
}

async function signalOrTime(limitMs: number): Promise<void> {
  const over = new AbortController()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => once(process, name, { signal: over.signal }))
  await Promise.race([...signals, sleep(limitMs, over.signal)])
  over.abort()
  await Promise.allSettled(signals)
}
