import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRegistry } from '../../harness/registry.ts'
import type { RunResults } from '../../harness/model/results.ts'
import html from '../../reports/formats/html.ts'
import { promisesOf } from '../../reports/outcomes.ts'
import { audit } from '../support/axe.ts'
import { type Browser, chromium, openBrowser, pagesOf, servePage, type Tab } from '../support/chromium.ts'
import { judgeAnywhere, readGoldenRun, unpack } from '../support/golden-runs.ts'
import { largeRun } from '../support/large-run.ts'
import { study } from '../unit/reports/study.ts'

const phone = [360, 740] as const
const desk = [1440, 900] as const

let folder: string
let quickstart: RunResults
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlast-report-'))
  quickstart = await judgeAnywhere(await unpack(await readGoldenRun('quickstart'), folder))
})
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

test('the report of the quickstart is at most 3 MB, that of 30,000 tasks at most 10 MB', async () => {
  expect(Buffer.byteLength(html.render(quickstart))).toBeLessThan(3e6)
  const large = largeRun(30_000, await openRegistry().checkers())
  expect(large.cells.reduce((sum, { tasks }) => sum + tasks.length, 0)).toBeGreaterThanOrEqual(30_000)
  expect(Buffer.byteLength(html.render(large))).toBeLessThan(10e6)
})

describe.skipIf(!chromium)('report.html in a real browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser(join(folder, 'profile'))
  })
  afterAll(() => browser[Symbol.asyncDispose]())

  describe.each([
    ['a recorded run', () => quickstart],
    ['a study with every verdict and outcome', () => study(300)],
  ])('of %s', (_, resultsOf) => {
    let tab: Tab
    let results: RunResults
    let markup: string
    let page: Awaited<ReturnType<typeof servePage>>

    beforeAll(async () => {
      results = resultsOf()
      markup = html.render(results)
      page = await servePage(markup)
      tab = await browser.openTab()
      await tab.resize(...desk)
      await tab.open(page.url)
    })
    afterAll(() => page[Symbol.asyncDispose]())

    test('it asks for nothing but itself, and the console stays empty', () => {
      expect(tab.requests.filter((url) => !url.startsWith('data:'))).toEqual([page.url])
      expect(tab.complaints).toEqual([])
    })

    test('it holds no script', () => {
      expect(markup).not.toContain('<script')
    })

    test('the parser repairs nothing: elements stand where they were written', async () => {
      const elements = ['tr', 'td', 'th', 'svg', 'path', 'section', 'details', 'li', 'circle', 'article', 'rect', 'p']
      const found = await tab.evaluate<number[]>(
        `${JSON.stringify(elements)}.map((name) => document.querySelectorAll(name).length)`,
      )
      const written = elements.map((name) => markup.match(new RegExp(`<${name}[ />]`, 'g'))?.length ?? 0)
      expect(found).toEqual(written)
    })

    test('it says what a reader came for', async () => {
      const text = await tab.evaluate<string>('document.body.textContent')
      for (const result of results.cells) {
        expect(markup).toContain(`id="cell-${result.cell.id}"`)
        expect(text).toContain(promisesOf(result))
      }
      for (const said of ['When not to trust this', results.plan.question, 'npx outlast run'])
        expect(text).toContain(said)
    })

    test('every link leads somewhere', async () => {
      const lost = await tab.evaluate<string[]>(
        `[...document.links].map((a) => a.hash.slice(1)).filter((id) => !document.getElementById(decodeURIComponent(id)))`,
      )
      expect(lost).toEqual([])
    })

    test.each([
      ['a phone', phone],
      ['a desk', desk],
    ])('on %s nothing is wider than the page, and every picture is there', async (_, size) => {
      await tab.resize(size[0]!, size[1]!)
      const wide = await tab.evaluate<number>('document.documentElement.scrollWidth')
      expect(wide).toBeLessThanOrEqual(size[0])
      const pictures = await tab.evaluate<Picture[]>(lookAtPictures)
      expect(pictures.length).toBeGreaterThan(10)
      for (const one of pictures) {
        expect(one).toMatchObject({ name: expect.stringMatching(/./) })
        expect({ ...one, wide: one.width > 100, high: one.height > 8 }).toMatchObject({ wide: true, high: true })
        // What is wider than the page has a frame that moves.
        if (!one.scrolls) expect(one.left >= -1 && one.right <= size[0] + 1, JSON.stringify(one)).toBe(true)
        expect(one.letters === undefined || one.letters >= 8, JSON.stringify(one)).toBe(true)
      }
      await tab.resize(...desk)
    })

    test('on a phone numbers come before pictures', async () => {
      await tab.resize(...phone)
      const [number, picture] = await tab.evaluate<[number, number]>(
        `['.strip .success strong', '.strip tbody svg'].map((css) => document.querySelector(css).getBoundingClientRect().top)`,
      )
      expect(number).toBeLessThan(picture)
      await tab.resize(...desk)
    })

    test('on a desk the first screen has the verdict and the first comparison', async () => {
      await tab.evaluate('scrollTo(0, 0)')
      const bottoms = await tab.evaluate<number[]>(
        `['h1', '.title .badge', '.again code', '.strip tbody'].map((css) => document.querySelector(css).getBoundingClientRect().bottom)`,
      )
      for (const bottom of bottoms) expect(bottom).toBeLessThan(desk[1])
    })

    test('the keyboard reaches every cell and opens it', async () => {
      await tab.evaluate('document.activeElement.blur(), scrollTo(0, 0)')
      await tab.evaluate(`addEventListener('focusin', ({ target }) => target.setAttribute('data-reached', ''))`)
      const stops = await tab.evaluate<number>(`document.querySelectorAll('a, summary, [tabindex]').length`)
      for (let i = 0; i < stops + 5; i++) await tab.press('Tab')
      const missed = await tab.evaluate<string[]>(
        `[...document.querySelectorAll('.strip tbody a, .tile summary, div.tile a')].filter((one) => !one.hasAttribute('data-reached')).map((one) => one.textContent)`,
      )
      expect(missed).toEqual([])
      await tab.evaluate(`document.querySelector('details.tile summary').focus()`)
      await tab.press('Enter')
      expect(await tab.evaluate(`document.querySelector('details.tile').open`)).toBe(true)
    })

    test.each([
      ['light', phone],
      ['dark', desk],
    ])('axe finds nothing serious: %s, %j', async (scheme, size) => {
      await tab.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
      await tab.resize(size[0]!, size[1]!)
      for (const hash of [
        '',
        ...(results.stories?.slice(0, 1) ?? []).map(({ cell, task }) => `#task-${cell}-${task}`),
      ]) {
        await tab.evaluate(`location.hash = ${JSON.stringify(hash)}`)
        expect(await auditAll(tab)).toEqual([])
      }
      await tab.evaluate("location.hash = ''")
      await tab.send('Emulation.setEmulatedMedia', { features: [] })
      await tab.resize(...desk)
    })

    test('a task has a page of its own, and the way back', async () => {
      const visible = `[...document.body.children].filter((one) => one.getClientRects().length > 0).map((one) => one.id || one.tagName)`
      expect(await tab.evaluate(visible)).not.toContain('stories')
      for (const { cell, task, end } of results.stories ?? []) {
        await tab.evaluate(`location.hash = ${JSON.stringify(`#task-${cell}-${task}`)}`)
        expect(await tab.evaluate(visible)).toEqual(['stories'])
        const shown = await tab.evaluate<string>(`document.getElementById('stories').innerText`)
        expect(shown).toContain(`${task} in ${cell}`)
        expect(shown).toContain(end)
      }
      await tab.evaluate("location.hash = '#tasks'")
      expect(await tab.evaluate(visible)).toEqual(['HEADER', 'MAIN', 'FOOTER'])
    })

    test('it is printed on at most six pages, and an appendix', async () => {
      const whole = pagesOf(await tab.print())
      await tab.evaluate(`document.getElementById('appendix').remove()`)
      const withoutAppendix = pagesOf(await tab.print())
      expect(withoutAppendix).toBeGreaterThan(1)
      expect(withoutAppendix).toBeLessThanOrEqual(6)
      expect(whole).toBeGreaterThan(withoutAppendix)
    })
  })
})

interface Picture {
  readonly name: string
  readonly left: number
  readonly right: number
  readonly width: number
  readonly height: number
  readonly scrolls: boolean
  /** Height of its smallest letters, in pixels of the screen. */
  readonly letters?: number
}

/** Each when it is in view: cells are laid out when they come there. */
const lookAtPictures = `(async () => {
const found = []
for (const one of document.querySelectorAll('main svg')) if (one.checkVisibility()) {
  one.scrollIntoView()
  await new Promise((done) => requestAnimationFrame(done))
  const { left, right, width, height } = one.getBoundingClientRect()
  const scale = width / one.viewBox.baseVal.width
  const sizes = [...one.querySelectorAll('text')].map((text) => parseFloat(getComputedStyle(text).fontSize) * scale)
  found.push({ name: one.getAttribute('aria-label'), left, right, width, height, scrolls: one.closest('.scroll') !== null,
    ...(sizes.length > 0 && { letters: Math.min(...sizes) }) })
}
return found
})()`

/** What axe holds against the page that is serious. */
async function auditAll(tab: Tab): Promise<readonly string[]> {
  // What is not laid out is not looked at.
  await tab.evaluate(
    `document.querySelectorAll('.cell').forEach((cell) => { cell.style.contentVisibility = 'visible' })`,
  )
  return audit(tab, 'serious')
}
