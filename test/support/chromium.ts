import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { execFileSync, spawn } from './programs.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The browser of this machine, if it has one. */
export const chromium = names.find((name) => {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})
if (!chromium) console.warn(`tests in a browser are skipped: none of ${names.join(', ')} is on the PATH`)

/** One tab. All that it complained about and asked for is kept. */
export interface Tab {
  readonly complaints: readonly string[]
  readonly requests: readonly string[]
  /** A command of the DevTools protocol; rejects with what the browser says against it. */
  send<T = unknown>(method: string, params?: object): Promise<T>
  /** Resolves with the value of an expression, awaited. */
  evaluate<T>(expression: string): Promise<T>
  /** Resolves when the page has loaded and was painted. */
  open(url: string): Promise<void>
  /** In CSS pixels. */
  resize(width: number, height: number): Promise<void>
  press(key: string): Promise<void>
  /** Resolves with a PNG of all of the page, or of what is visible. */
  screenshot(whole?: boolean): Promise<Buffer>
  /** Resolves with a PDF, on paper as the page asks for. */
  print(): Promise<Buffer>
}

export interface Browser extends AsyncDisposable {
  openTab(): Promise<Tab>
}

interface Message {
  readonly id?: number
  readonly sessionId?: string
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** Starts a headless browser with its files in `profile`. Rejects where it does not say where it listens. */
export async function openBrowser(profile: string): Promise<Browser> {
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run']
  const args = [...flags, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank']
  const child = spawn(chromium!, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const address = await addressFrom(child.stderr)
  const socket = new WebSocket(address)
  await once(socket, 'open')
  const talk = converse(socket)
  return {
    openTab: () => openTab(talk),
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit')
      socket.close()
      child.kill()
      await exited
    },
  }
}

async function addressFrom(stderr: AsyncIterable<Buffer>): Promise<string> {
  let said = ''
  for await (const chunk of stderr) {
    said += String(chunk)
    const found = /listening on (ws:\S+)/.exec(said)
    if (found) return found[1]!
  }
  throw new Error(`the browser ended: ${said}`)
}

interface Talk {
  send(method: string, params?: object, sessionId?: string): Promise<unknown>
  listen(sessionId: string, hear: (message: Message) => void): void
}

function converse(socket: WebSocket): Talk {
  const waiting = new Map<number, { done: (value: unknown) => void; failed: (why: Error) => void }>()
  const hearers = new Map<string, (message: Message) => void>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message
    const asked = message.id === undefined ? undefined : waiting.get(message.id)
    if (!asked) return hearers.get(message.sessionId ?? '')?.(message)
    waiting.delete(message.id!)
    if (message.error) asked.failed(new Error(message.error.message))
    else asked.done(message.result)
  })
  return {
    listen: (sessionId, hear) => void hearers.set(sessionId, hear),
    send: (method, params = {}, sessionId) =>
      new Promise((done, failed) => {
        const id = ++last
        waiting.set(id, { done, failed })
        socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }))
      }),
  }
}

async function openTab(talk: Talk): Promise<Tab> {
  const { targetId } = (await talk.send('Target.createTarget', { url: 'about:blank' })) as { targetId: string }
  const attached = await talk.send('Target.attachToTarget', { targetId, flatten: true })
  const { sessionId } = attached as { sessionId: string }
  const [complaints, requests]: [string[], string[]] = [[], []]
  let loaded = (): void => {}
  talk.listen(sessionId, ({ method, params }) => {
    if (method === 'Page.loadEventFired') loaded()
    else if (method === 'Network.requestWillBeSent') requests.push((params as { request: { url: string } }).request.url)
    else if (
      method === 'Runtime.consoleAPICalled' ||
      method === 'Runtime.exceptionThrown' ||
      method === 'Log.entryAdded'
    )
      complaints.push(JSON.stringify(params))
  })
  const send = <T>(method: string, params?: object): Promise<T> => talk.send(method, params, sessionId) as Promise<T>
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`)
  const evaluate = async <T>(expression: string): Promise<T> => {
    const given = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await send<Evaluated>('Runtime.evaluate', given)
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value as T
  }
  return {
    complaints,
    requests,
    send,
    evaluate,
    open: async (url) => {
      const done = new Promise<void>((resolve) => (loaded = resolve))
      await send('Page.navigate', { url })
      await done
      await evaluate(painted)
    },
    resize: async (width, height) => {
      await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
      await evaluate(painted)
    },
    press: async (key) => {
      await send('Input.dispatchKeyEvent', { type: 'keyDown', key, code: key, ...keyCodes[key] })
      await send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, ...keyCodes[key] })
    },
    screenshot: async (whole = false) => {
      const { data } = await send<Data>('Page.captureScreenshot', { captureBeyondViewport: whole })
      return Buffer.from(data, 'base64')
    },
    print: async () => {
      await send('Emulation.clearDeviceMetricsOverride')
      const { data } = await send<Data>('Page.printToPDF', { preferCSSPageSize: true, printBackground: true })
      return Buffer.from(data, 'base64')
    },
  }
}

interface Data {
  readonly data: string
}

interface Evaluated {
  readonly result: { readonly value: unknown }
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } }
}

const painted = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))'

const keyCodes: Readonly<Record<string, object>> = {
  Tab: { windowsVirtualKeyCode: 9 },
  Enter: { windowsVirtualKeyCode: 13, text: '\r' },
}

/** Pages of a PDF, as Chromium writes them. */
export function pagesOf(pdf: Buffer): number {
  return pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0
}

/** Serves one page, and keeps what was asked for: what a page asks of its own server would be seen too. */
export async function servePage(markup: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(({ url = '' }, answer) => {
    answer.writeHead(url === '/report.html' ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' })
    answer.end(url === '/report.html' ? markup : '')
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/report.html`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
