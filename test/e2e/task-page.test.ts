import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { audit, wantScheme } from '../support/axe.ts'
import { chromium, openBrowser, servePage, type Tab } from '../support/chromium.ts'
import { temporaryFolders } from '../support/outlast.ts'
import { serve } from '../support/served.ts'

/** Set it to a folder, and the screenshots are kept there: to be looked at. */
const shots = process.env['OUTLAST_SCREENSHOTS']

/** Looks at the page in both schemes, on a phone and on a desk: nothing is wider than the screen, and axe has nothing against it. */
async function look(tab: Tab, name: string): Promise<void> {
  // Nothing is painted behind another tab.
  await tab.send('Page.bringToFront')
  for (const scheme of ['light', 'dark'] as const) {
    await wantScheme(tab, scheme)
    for (const [width, height] of [
      [360, 740],
      [1440, 900],
    ] as const) {
      await tab.resize(width, height)
      expect(await tab.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      // Colours are the scheme's, and the layout the screen's: two audits see all of both.
      if ((scheme === 'light') === (width === 360)) expect(await audit(tab)).toEqual([])
      if (shots === undefined) continue
      await mkdir(shots, { recursive: true })
      await writeFile(join(shots, `task-${name}-${scheme}-${width}.png`), await tab.screenshot(true))
    }
  }
  await wantScheme(tab)
}

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const limit = performance.now() + 60_000
  while (performance.now() < limit) {
    if (await isSo()) return
    await sleep(100)
  }
  throw new Error(`${what}: that did not come`)
}

const textOf = (tab: Tab, id: string): Promise<string> => tab.evaluate(`document.getElementById('${id}').innerText`)
const shows = (tab: Tab, id: string, text: RegExp) =>
  until(`${id} with ${text}`, async () => text.test(await textOf(tab, id)))
const click = (tab: Tab, css: string) => tab.evaluate(`document.querySelector(${JSON.stringify(css)}).click()`)
const fill = (tab: Tab, id: string, text: string) =>
  tab.evaluate(
    `{ const field = document.getElementById('${id}'); field.value = ${JSON.stringify(text)}; field.dispatchEvent(new Event('input')) }`,
  )

/** The log as the page shows it, in the order of the log. */
const logOf = (tab: Tab): Promise<readonly string[]> =>
  tab.evaluate(
    `[...document.querySelectorAll('#log li')].map((row) => row.dataset.seq + ' ' + row.dataset.type).reverse()`,
  )
/** The commands as the page shows them: what, and how far. */
const commandsOf = (tab: Tab): Promise<readonly string[]> =>
  tab.evaluate(
    `[...document.querySelectorAll('#commands [data-stage]')].map((row) => row.dataset.stage + ' ' + row.cells[0].firstChild.textContent)`,
  )
const marksOf = (tab: Tab): Promise<readonly string[]> =>
  tab.evaluate(
    `[...document.querySelectorAll('#tree .line[class*=ed]')].map((line) => line.className.split(' ').at(-1) + ' ' + line.dataset.pointer)`,
  )

type Service = Awaited<ReturnType<typeof serve>>

async function askApi<T>({ url, token }: Service, path: string): Promise<T> {
  const answer = await fetch(`${url}/v1/${path}`, { headers: { authorization: `Bearer ${token}` } })
  return (await answer.json()) as T
}

/** The process of a node, as it is now. */
function processOf({ heard }: Service, node: string): number {
  return Number([...heard().matchAll(new RegExp(`^${node}: ready, process (\\d+)$`, 'gm'))].at(-1)![1])
}

/** The worker that stands on the only task: it did the last step. */
function workerAt({ heard }: Service): string {
  return [...heard().matchAll(/^(worker-\d): step \d+ has its effect/gm)].at(-1)![1]!
}

const pageOf = ({ said }: Service): string =>
  said
    .find((line) => line.startsWith('Page '))!
    .slice('Page'.length)
    .trim()

interface Event {
  readonly seq: number
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

async function submit(tab: Tab, fields: Readonly<Record<string, string>>): Promise<string> {
  for (const [id, text] of Object.entries(fields)) await fill(tab, id, text)
  await click(tab, '#submit-button')
  await until('the task', () => tab.evaluate(`location.hash !== ''`))
  return decodeURIComponent(await tab.evaluate<string>('location.hash.slice(1)'))
}

describe.skipIf(!chromium)('outlast serve --ui', () => {
  test('a person steers an agent, whose worker is killed meanwhile, and sees the right end', async () => {
    await using folders = await temporaryFolders()
    await using browser = await openBrowser(join(folders.tmp, '..', 'browser'))
    const args = ['websocket+postgres', '--ui', '--workers', '2', '--time-scale', '5']
    const service = await serve(args, folders.tmp)
    const desk = await browser.openTab()
    await desk.open(pageOf(service))
    await shows(desk, 'nodes', /worker-1/)
    await look(desk, 'new')

    // What is wrong is said beside its field, and nothing is sent.
    await fill(desk, 'memory', '["no object"]')
    await click(desk, '#submit-button')
    expect(await textOf(desk, 'memory-flaw')).toMatch(/^A memory is a JSON object/)
    const memory = { instruction: 'be thorough', sources: ['a', 'b'], limits: { pages: 3 } }
    const taskId = await submit(desk, { memory: JSON.stringify(memory), budget: '30' })

    await shows(desk, 'facts', /version [3-9]/)
    expect(await marksOf(desk)).toEqual(expect.arrayContaining([expect.stringMatching(/^added \/notes\/\d+\/did$/)]))
    const other = await browser.openTab()
    await other.open(`${pageOf(service)}#${encodeURIComponent(taskId)}`)
    await look(desk, 'running')

    await click(desk, '#interrupt')
    await shows(desk, 'status', /stands still: as asked/)
    expect(await commandsOf(desk)).toEqual(['applied interrupt'])
    await shows(other, 'status', /stands still: as asked/)
    expect(await textOf(other, 'commands')).toContain('from elsewhere')

    const worker = workerAt(service)
    process.kill(processOf(service, worker), 'SIGKILL')
    await shows(desk, 'nodes', new RegExp(`${worker} (exited|crashed|restarting)`))
    await shows(desk, 'facts', /attempt\s+2/)

    await click(desk, '#steer-patch')
    await fill(desk, 'steered', '[{"op": "remove", "path": "/nothing"}]')
    await click(desk, '#steer button')
    expect(await textOf(desk, 'steered-flaw')).toBe(
      'As the memory is now, operation 1 (remove /nothing) does not apply.',
    )
    await look(desk, 'stopped')
    const patch = [
      { op: 'replace', path: '/limits/pages', value: 1 },
      { op: 'remove', path: '/sources/0' },
    ]
    await fill(desk, 'steered', JSON.stringify(patch))
    await click(desk, '#steer button')
    await until('the patch', async () => (await marksOf(desk)).includes('changed /limits/pages'))
    await click(desk, '#steer-instruction')
    await fill(desk, 'steered', 'be brief <b>now</b>')
    await click(desk, '#steer button')
    await until('the steer', async () => (await marksOf(desk)).includes('changed /instruction'))
    await shows(desk, 'memory-note', /its digest is the one in the log/)
    // It stands still already: the answer in the log says so, and the page.
    await click(desk, '#interrupt')
    await shows(desk, 'commands', /void\s+the agent has stopped already/)
    await look(desk, 'steered')

    // The API node dies under both pages: they say so, come back, and show nothing twice.
    const shown = (await logOf(desk)).length
    await desk.evaluate(
      `{ window.told = []; new MutationObserver(() => told.push(document.getElementById('connection').textContent)).observe(document.getElementById('connection'), { childList: true }) }`,
    )
    process.kill(processOf(service, 'api-0'), 'SIGKILL')
    await until('what the page says', () =>
      desk.evaluate(`told.some((text) => text.includes('The connection is lost'))`),
    )
    // Sent while nobody is there, it is said again until somebody is.
    await click(desk, '#resume')
    await shows(desk, 'status', /running/)
    expect((await logOf(desk)).length).toBeGreaterThan(shown)

    // The budget covers eight steps.
    await shows(desk, 'status', /stands still: budget exhausted/)
    await look(desk, 'exhausted')
    await fill(desk, 'credits', '50')
    await click(desk, '#top-up button')
    await shows(desk, 'status', /completed/)
    await shows(other, 'status', /completed/)
    await shows(desk, 'connection', /The task has ended/)
    await look(desk, 'done')

    const { events } = await askApi<{ events: readonly Event[] }>(service, `tasks/${taskId}/events?after=0`)
    const recorded = events.map(({ seq, type }) => `${seq} ${type}`)
    expect(await logOf(desk)).toEqual(recorded)
    expect(await logOf(other)).toEqual(recorded)
    expect(await textOf(desk, 'log')).toBe(await textOf(other, 'log'))
    expect(await textOf(desk, 'tree')).toBe(await textOf(other, 'tree'))
    expect(await commandsOf(desk)).toEqual([
      'applied interrupt',
      'applied steer: replace /limits/pages, remove /sources/0',
      'applied steer: add /instruction',
      'void interrupt',
      'applied resume',
      'applied top up by 50 credits',
    ])
    const { document } = await askApi<{ document: Record<string, unknown> }>(service, `tasks/${taskId}/context`)
    expect(document).toMatchObject({ instruction: 'be brief <b>now</b>', sources: ['b'], limits: { pages: 1 } })
    const notes = document['notes'] as Readonly<Record<string, { readonly instruction: string }>>
    expect([notes['1']!.instruction, notes['12']!.instruction]).toEqual(['be thorough', 'be brief <b>now</b>'])
    for (const line of ['/notes/12/instruction', '/limits/pages'])
      expect(await desk.evaluate(`document.querySelector('[data-pointer="${line}"]') !== null`)).toBe(true)

    // Loaded again it is the same.
    await desk.open('about:blank')
    await desk.open(`${pageOf(service)}#${encodeURIComponent(taskId)}`)
    await shows(desk, 'status', /completed/)
    expect(await logOf(desk)).toEqual(recorded)

    await other.evaluate(`location.hash = '#${randomUUID()}'`)
    await shows(other, 'connection', /does not know this task/)

    const own = (asked: string): boolean => asked.startsWith(pageOf(service)) || /^(data|about):/.test(asked)
    expect(desk.requests.filter((asked) => !own(asked))).toEqual([])
    // That the API node was away is all that the browser has to complain of.
    expect(desk.complaints.filter((told) => !/WebSocket connection|502|Bad Gateway/.test(told))).toEqual([])
    for (const said of [await desk.evaluate<string>('document.documentElement.outerHTML'), ...desk.requests])
      expect(said).not.toContain(service.token)
    expect(await service.end()).toBe(0)
  })

  test('without sockets it asks again and again; by keyboard a task is submitted and cancelled', async () => {
    await using folders = await temporaryFolders()
    await using browser = await openBrowser(join(folders.tmp, '..', 'browser'))
    const service = await serve(['polling', '--ui', '--time-scale', '10'], folders.tmp)
    const tab = await browser.openTab()
    await tab.open(pageOf(service))
    await tab.evaluate(`document.getElementById('memory').focus()`)
    await tab.press('Tab')
    await tab.press('Enter')
    await shows(tab, 'facts', /version [2-9]/)
    await tab.evaluate(`document.getElementById('resume').focus()`)
    await tab.press('Enter')
    await shows(tab, 'commands', /void\s+the agent is not stopped/)
    await tab.press('Tab')
    await tab.press('Enter')
    await shows(tab, 'status', /^cancelled/)
    expect(await commandsOf(tab)).toEqual(['void resume', 'applied cancel'])
    const taskId = decodeURIComponent(await tab.evaluate<string>('location.hash.slice(1)'))
    const { events } = await askApi<{ events: readonly Event[] }>(service, `tasks/${taskId}/events?after=0`)
    expect(await logOf(tab)).toEqual(events.map(({ seq, type }) => `${seq} ${type}`))
    await shows(tab, 'connection', /The task has ended/)

    // A task that is not there.
    await tab.evaluate(`location.hash = '#${randomUUID()}'`)
    await shows(tab, 'connection', /does not know this task/)

    // No page of others can show it.
    await using page = await servePage(
      `<!doctype html><link rel="icon" href="data:,"><iframe src="${pageOf(service)}"></iframe>`,
    )
    const stranger = await browser.openTab()
    await stranger.open(page.url)
    expect(JSON.stringify(stranger.complaints)).toContain('frame-ancestors')
    expect(await service.end()).toBe(0)
  })
})
