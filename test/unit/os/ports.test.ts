import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { listeningPorts, listensOn } from '../../../harness/os/listeners.ts'
import { type HeldPort, holdLowPort, holdPort } from '../../../harness/os/ports.ts'
import { execFileSync, spawn } from '../../support/programs.ts'

const host = '127.0.0.1'
const ports = new URL('../../../harness/os/ports.ts', import.meta.url).href

async function listen(port: number): Promise<AsyncDisposable & { readonly server: Server }> {
  const server = createServer((socket) => socket.destroy())
  await once(server.listen(port, host), 'listening')
  return { server, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) }
}

/** `connect`, or the code of the refusal. */
function dial(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host })
      .on('connect', () => resolve('connected'))
      .on('error', ({ code }: NodeJS.ErrnoException) => resolve(code!))
      .on('close', () => socket.destroy())
  })
}

test('on a held port whoever dials is refused, unless its server is up, again and again', async () => {
  using held = await holdPort()
  for (let lives = 0; lives < 3; lives++) {
    expect(await dial(held.port)).toBe('ECONNREFUSED')
    await using _life = await listen(held.port)
    expect(await dial(held.port)).toBe('connected')
    await expect(listen(held.port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  }
})

test('the kernel gives a held port to nobody else: to no listener, to no connection that goes out', async () => {
  await using stack = new AsyncDisposableStack()
  const held = await Promise.all(Array.from({ length: 40 }, () => holdPort()))
  for (const one of held) stack.use(one)
  const ours = new Set(held.map(({ port }) => port))
  expect(ours.size).toBe(40)
  const world = stack.use(await listen(0))
  const { port } = world.server.address() as AddressInfo
  for (let i = 0; i < 200; i++) {
    const other = stack.use(await listen(0))
    expect(ours).not.toContain((other.server.address() as AddressInfo).port)
    const socket = connect({ port, host })
    await once(socket, 'connect')
    expect(ours).not.toContain(socket.localPort)
    socket.destroy()
  }
})

test('processes that choose in the same instant never choose the same', async () => {
  const choose = `
    const { holdPort } = await import(${JSON.stringify(ports)})
    const held = []
    while (held.length < 250) held.push((await holdPort()).port)
    process.stdout.write(JSON.stringify(held) + '\\n')
    process.stdin.resume()`
  const children = [1, 2, 3].map(() => spawn(process.execPath, ['--input-type=module', '-e', choose]))
  const said = children.map(async (child) => {
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    return JSON.parse(line) as number[]
  })
  const chosen = (await Promise.all(said)).flat()
  for (const child of children) child.stdin.end()
  await Promise.all(children.map((child) => text(child.stdout)))
  expect([chosen.length, new Set(chosen).size]).toEqual([750, 750])
})

test('when the last port is let go nothing of ours listens any more, and the next ones are held all the same', async () => {
  const before = listeningPorts([process.pid])
  for (let rounds = 0; rounds < 2; rounds++) {
    const held = await Promise.all([holdPort(), holdPort(), holdPort()])
    for (const one of [...held, held[0]!]) one[Symbol.dispose]()
    expect(listeningPorts([process.pid])).toEqual(before)
  }
})

test('a port of 15 bits is held by one alone, of whatever process, and comes again', async () => {
  const range = { from: 29_980, to: 29_987 }
  const all: HeldPort[] = []
  const holdAll = async (): Promise<void> => {
    for (;;) all.push(await holdLowPort(range))
  }
  for (let rounds = 0; rounds < 2; rounds++) {
    await expect(holdAll()).rejects.toThrow('no port between 29980 and 29987 of 127.0.0.1 can be had')
    const numbers = all.map(({ port }) => port)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.length).toBeGreaterThan(0)
    expect(await dial(numbers[0]!)).toBe('ECONNREFUSED')
    await using _server = await listen(numbers[0]!)
    for (const one of all.splice(0)) one[Symbol.dispose]()
  }
  // Where a server listens nothing can be held.
  await using other = await listen(0)
  const { port } = other.server.address() as AddressInfo
  await expect(holdLowPort({ from: port, to: port })).rejects.toThrow('no port between')
})

test('a port of an address that this machine has not is refused with the reason', async () => {
  await expect(holdPort({ host: '192.0.2.1' })).rejects.toThrow(/no port of 192\.0\.2\.1 can be had: .*EADDRNOTAVAIL/)
})

test.skipIf(process.platform !== 'linux')('who listens is told from who does not', async () => {
  using held = await holdPort()
  const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
  expect(await listensOn(process.pid, [held.port])).toBeUndefined()
  await using _server = await listen(held.port)
  await using second = await listen(0)
  const both = [held.port, (second.server.address() as AddressInfo).port]
  expect(await listensOn(process.pid, both)).toBe(true)
  expect(await listensOn(other.pid!, both)).toBe(false)
  using idle = await holdPort()
  expect(await listensOn(process.pid, [held.port, idle.port])).toBeUndefined()
  expect(await listensOn(other.pid!, [held.port, idle.port])).toBe(false)
  other.kill('SIGKILL')
  await once(other, 'exit')
})

/** As root of a container, who may list what another user's process has open, and not see what that is. */
function canDropCapabilities(): boolean {
  try {
    execFileSync('setpriv', ['--reuid', '65534', '--clear-groups', process.execPath, '--version'])
    return process.getuid?.() === 0
  } catch {
    return false
  }
}

test.skipIf(!canDropCapabilities())(
  'where a process cannot be looked into nobody can tell, and nobody is accused',
  async () => {
    const server = `require('net').createServer().listen(0, '${host}', function () { console.log(this.address().port) })`
    const child = spawn(process.execPath, ['-e', server], { uid: 65_534, gid: 65_534, cwd: '/' })
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    const ask = `
    const { listensOn } = await import(${JSON.stringify(new URL('listeners.ts', ports).href)})
    console.log(await listensOn(${child.pid}, [${line.trim()}]))`
    const without = ['--bounding-set', '-sys_ptrace', '--inh-caps', '-sys_ptrace']
    const told = execFileSync('setpriv', [...without, process.execPath, '--input-type=module', '-e', ask])
    expect(told.toString().trim()).toBe('undefined')
    expect(await listensOn(child.pid!, [Number(line)])).toBe(true)
    child.kill('SIGKILL')
  },
)
