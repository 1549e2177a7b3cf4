import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { readJournal } from '../../harness/os/journal.ts'
import { findLabelled } from '../../harness/os/leftovers.ts'
import { outlast, startOutlast, temporaryFolders } from '../support/outlast.ts'

const withinMs = 10_000

interface Sight {
  readonly output: string
  readonly processes: number
  /** Every history of the run, as far as it is written. */
  readonly histories: string
}

const moments: readonly { name: string; reached: (sight: Sight) => boolean }[] = [
  { name: 'while nodes are starting', reached: ({ processes }) => processes > 2 },
  { name: 'under load', reached: ({ output }) => output.includes(': load') },
  { name: 'while a fault is armed', reached: ({ histories }) => histories.includes('"state":"armed"') },
]

describe.each(moments)('kill -9 of the harness $name', ({ name, reached }) => {
  it('leaves no process, no port and no temporary database, and the next run starts clean', async () => {
    await using folders = await temporaryFolders()
    const harness = startOutlast(['run', 'scenarios/smoke.yaml', '--out', folders.out], folders.tmp)
    const exited = once(harness, 'exit')
    let output = ''
    harness.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text))
    harness.stderr!.setEncoding('utf8').on('data', (text: string) => (output += text))
    let run = ''
    do {
      await sleep(50)
      run = (await readdir(folders.tmp)).join().replace(/^outlast-/, '')
    } while (
      !reached({ output, processes: run ? findLabelled(run).length : 0, histories: await readHistories(folders.out) })
    )
    const before = findLabelled(run).length
    const spares = findLabelled(run).filter(({ pid }) => isSpare(pid)).length
    const journal = readJournal(join(folders.tmp, `outlast-${run}`))
    const ports = listeningPorts(run)
    harness.kill('SIGKILL')
    await exited
    const deadline = Date.now() + withinMs
    const left = async () => [...findLabelled(run).map(({ command }) => command), ...(await readdir(folders.tmp))]
    while ((await left()).length > 0 && Date.now() < deadline) await sleep(100)
    expect(before).toBeGreaterThan(0)
    if (name === 'while a fault is armed') expect(journal).toContainEqual(expect.objectContaining({ kind: 'fault' }))
    if (name === 'under load') expect(spares).toBeGreaterThan(0)
    expect(await left()).toEqual([])
    expect(listening().filter((port) => ports.includes(port))).toEqual([])

    const next = await outlast(['doctor'], folders.tmp)
    expect(next.stdout).toMatch(/Leftovers: none/)
  })
})

async function readHistories(out: string): Promise<string> {
  const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('history.ndjson'))
  return (await Promise.all(files.map((file) => readFile(join(out, file), 'utf8')))).join('')
}

/** Started to become a node, should one be killed. */
function isSpare(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes('OUTLAST_SPARE=1')
  } catch {
    return false
  }
}

/** Ports that processes of the run listen on. */
function listeningPorts(run: string): readonly number[] {
  const sockets = new Set(findLabelled(run).flatMap(({ pid }) => socketsOf(pid)))
  return tcpTable()
    .filter(({ inode }) => sockets.has(inode))
    .map(({ port }) => port)
}

function listening(): readonly number[] {
  return tcpTable().map(({ port }) => port)
}

function socketsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** Listening sockets as the kernel lists them: state 0A. */
function tcpTable(): readonly { port: number; inode: string }[] {
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === '0A')
    .map((columns) => ({ port: Number.parseInt(columns[1]!.split(':')[1]!, 16), inode: columns[9]! }))
}
