import { createServer } from 'node:http'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import html from '../../reports/formats/html.ts'
import { promisesOf } from '../../reports/outcomes.ts'
import { study } from '../unit/reports/study.ts'
import { execFileSync, run } from '../support/programs.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const browser = names.find((name) => {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})
if (!browser) console.warn(`report.test.ts is skipped: none of ${names.join(', ')} is on the PATH`)

/** The page as the browser has built it, and what the browser complained about. */
async function open(url: string, profile: string, ...more: readonly string[]): Promise<{ dom: string; log: string }> {
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--enable-logging=stderr', `--user-data-dir=${profile}`]
  const { stdout, stderr } = await run(browser!, [...flags, '--dump-dom', ...more, url], { maxBuffer: 64 * 2 ** 20 })
  return { dom: stdout, log: stderr }
}

describe.skipIf(!browser)('report.html in a real browser', () => {
  let folder: string
  let opened: { dom: string; log: string }
  let requests: string[]
  const results = study(300)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'outlast-report-'))
    const page = html.render(results)
    await writeFile(join(folder, 'report.html'), page)
    requests = []
    // Served rather than read from disk, so that a request of the page would be seen, not only refused.
    const server = createServer(({ url = '' }, answer) => {
      requests.push(url)
      if (url !== '/report.html') answer.writeHead(404)
      answer.end(url === '/report.html' ? page : '')
    })
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    const { port } = server.address() as AddressInfo
    opened = await open(`http://127.0.0.1:${port}/report.html`, join(folder, 'profile'))
    await new Promise((closed) => server.close(closed))
  })
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

  test('it asks for nothing but itself', () => {
    expect(requests).toEqual(['/report.html'])
  })

  test('the console stays empty', () => {
    expect(opened.log).not.toMatch(/CONSOLE/)
  })

  test('the parser repairs nothing: elements stand where they were written', () => {
    for (const element of ['tr', 'td', 'th', 'svg', 'path', 'section', 'details', 'li', 'circle']) {
      const count = (text: string): number => text.match(new RegExp(`<${element}[ />]`, 'g'))?.length ?? 0
      expect([element, count(opened.dom)]).toEqual([element, count(html.render(results))])
    }
  })

  test('it says what a reader came for', () => {
    for (const result of results.cells) {
      const { cell } = result
      expect(opened.dom).toContain(`id="cell-${cell.id}"`)
      expect(opened.dom).toContain(promisesOf(result))
    }
    for (const text of ['When not to trust this', 'Published, predicted, measured', results.plan.question])
      expect(opened.dom).toContain(text)
  })

  test('every link leads somewhere', () => {
    const anchors = [...opened.dom.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!)
    expect(anchors.length).toBeGreaterThan(results.cells.length)
    for (const id of anchors) expect(opened.dom).toContain(`id="${id}"`)
  })

  test('it holds no script, and is printed', async () => {
    const pdf = join(folder, 'report.pdf')
    const url = `file://${join(folder, 'report.html')}`
    await run(browser!, [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      `--user-data-dir=${join(folder, 'profile')}`,
      `--print-to-pdf=${pdf}`,
      url,
    ])
    expect(html.render(results)).not.toContain('<script')
    expect((await readFile(pdf, 'latin1')).slice(0, 5)).toBe('%PDF-')
  })
})
