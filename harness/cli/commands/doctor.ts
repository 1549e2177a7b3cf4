import { styleText } from 'node:util'
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os'
import { exitCodes, describeError } from '../../core/errors.ts'
import { visibleLine } from '../../core/visible.ts'
import type { CommandFile } from '../command.ts'
import { outputScreen, print } from '../output.ts'
import { wrap } from '../../core/text-table.ts'
import { count } from '../../../reports/numbers.ts'
import type { Engine } from '../../../patterns/contract/types/engine.ts'
import type { Runtime } from '../../model/runtime.ts'
import { type RunLeftovers, findRuns } from '../../cleanup/leftovers.ts'
import type { Registry } from '../../registry.ts'
import { examineKernel } from '../../runtimes/docker/network/kernel.ts'
import { servers } from '../../../servers/all.ts'
import { versionOf } from '../../../servers/_kit/command.ts'

export default {
  name: 'doctor',
  summary: 'what is available here, and why what is not is not',
  declare(command, { registry, done }) {
    command.addHelpText('after', '\nExits with 4 when something that every run needs is missing.').action(async () => {
      const findings = await checkMachine(registry)
      for (const finding of findings) print(findingLine(finding))
      done(findings.some(({ state }) => state === 'missing') ? exitCodes.invalid : exitCodes.pass)
    })
  },
} satisfies CommandFile

const marks = {
  ok: ['ok     ', 'green'],
  absent: ['absent ', 'dim'],
  poor: ['poor   ', 'yellow'],
  missing: ['MISSING', 'red'],
} as const

function findingLine({ name, state, detail }: Finding): string {
  const { columns, colour: inColour } = outputScreen()
  const [mark, colour] = marks[state]
  const text = wrap(visibleLine(`${name}: ${detail}`), columns - 10, ' '.repeat(9))
  return `${inColour ? styleText(colour, mark) : mark}  ${text}`
}

/** One thing that runs use. `missing`: every run needs it. `absent`: only some do. `poor`: it is there and will spoil numbers. */
interface Finding {
  readonly name: string
  readonly state: 'ok' | 'absent' | 'poor' | 'missing'
  readonly detail: string
}

/** Look at this machine. Starts nothing that stays: programs that print their version, a container that tries the kernel. */
async function checkMachine(registry: Registry): Promise<readonly Finding[]> {
  const asked = await Promise.all([
    runtimes(registry),
    ...[...servers.values()].flatMap(({ title, version }) => (version ? program(title, version) : [])),
    docker(),
    descriptors(),
    leftovers(registry),
  ])
  return [node(), cores(), memory(), ...asked.flat()]
}

function node(): Finding {
  const major = Number.parseInt(process.versions.node, 10)
  const state = major >= 24 ? 'ok' : 'missing'
  return { name: 'Node', state, detail: `${process.version}${state === 'ok' ? '' : '; 24 or newer is needed'}` }
}

function cores(): Finding {
  const [n, load] = [availableParallelism(), loadavg()[0]!]
  const busy = load > n / 2
  const detail = `${n}, load ${load.toFixed(2)}${busy ? ': busy, so latencies would be those of a busy machine' : ''}`
  return { name: 'Cores', state: n < 2 || busy ? 'poor' : 'ok', detail }
}

function memory(): Finding {
  const [total, free] = [totalmem(), freemem()].map((bytes) => bytes / 2 ** 30) as [number, number]
  const detail = `${free.toFixed(1)} of ${total.toFixed(1)} GiB free${free < 1 ? '; engines with a server of their own need about 1' : ''}`
  return { name: 'Memory', state: free < 1 ? 'poor' : 'ok', detail }
}

async function runtimes(registry: Registry): Promise<readonly Finding[]> {
  const engines = await registry.engines()
  const found = [...(await registry.runtimes()).values()]
  return (await Promise.all(found.map((runtime) => checkRuntime(runtime, engines)))).flat()
}

/** One that can be used, with what it says of itself, and which engines it leaves out. */
async function checkRuntime(runtime: Runtime, engines: ReadonlyMap<string, Engine>): Promise<readonly Finding[]> {
  const { name, summary, probe, describe } = runtime
  const reason = await probe().catch(describeError)
  if (reason !== undefined)
    return [{ name: `Runtime ${name}`, state: name === 'process' ? 'missing' : 'absent', detail: reason }]
  const said = Object.entries(await describe([]).catch((error: unknown) => ({ description: describeError(error) })))
  return [
    { name: `Runtime ${name}`, state: 'ok', detail: summary },
    ...said.map(([what, detail]): Finding => ({ name: `Runtime ${name}: ${what}`, state: 'ok', detail })),
    ...(await leftOutBy(runtime, engines)),
  ]
}

/** Engines that a runtime cannot run here, once for each reason. */
async function leftOutBy({ name, whyNot }: Runtime, engines: ReadonlyMap<string, Engine>): Promise<readonly Finding[]> {
  const asked = [...engines.values()].map(async (engine) => ({ engine, reason: await whyNot(engine.services) }))
  const byReason = Map.groupBy(await Promise.all(asked), ({ reason }) => reason)
  return [...byReason].flatMap(([detail, them]): readonly Finding[] => {
    const names = them.map(({ engine }) => engine.name).join(', ')
    return detail === undefined ? [] : [{ name: `Runtime ${name}: without ${names}`, state: 'absent', detail }]
  })
}

/** The kernel's abilities are asked for where there is an engine, whose containers have namespaces of their own. */
async function docker(): Promise<readonly Finding[]> {
  const engine = await program('Docker', () => versionOf('docker', ['version', '--format', '{{.Server.Version}}']))
  if (engine.state !== 'ok') return [engine]
  const { able, detail } = await examineKernel()
  return [engine, { name: 'Packet filter', state: able ? 'ok' : 'absent', detail }]
}

async function program(name: string, version: () => Promise<string>): Promise<Finding> {
  return version().then(
    (detail) => ({ name, state: 'ok', detail }),
    (error: unknown) => ({ name, state: 'absent', detail: describeError(error).split('\n')[0]! }),
  )
}

/** A streaming task holds about eight: client, two per link, and server, on two legs. */
async function descriptors(): Promise<Finding> {
  const text = await versionOf('sh', ['-c', 'ulimit -n']).catch(() => 'unknown')
  const limit = text === 'unlimited' ? Infinity : Number(text)
  const state = limit < 4096 ? 'poor' : 'ok'
  const hint = state === 'poor' ? '; few: ulimit -n 16384 raises it' : ''
  return { name: 'Open files', state, detail: `${Number.isFinite(limit) ? count(limit) : text} per process${hint}` }
}

async function leftovers(registry: Registry): Promise<readonly Finding[]> {
  const { runs, troubles, passedOver } = await findRuns([...(await registry.runtimes()).values()])
  const of = (state: RunLeftovers['state']): readonly string[] =>
    runs.filter((found) => found.state === state).map(({ run }) => run)
  const [dead, unclear] = [of('dead'), of('unclear')]
  const down = runs.flatMap((found) => found.down)
  const details = [
    ...down.map(
      (name) => `your service ${name} may be down, by a run that died: outlast clean runs its command "restart"`,
    ),
    ...(dead.length > 0 ? [`of the dead runs ${dead.join(', ')}: outlast clean removes them`] : []),
    ...(unclear.length > 0 ? [`of ${unclear.join(', ')}, which may live elsewhere: outlast clean --run RUN`] : []),
    ...troubles,
  ]
  const found = details.map((detail): Finding => ({ name: 'Leftovers', state: 'poor', detail }))
  return [
    ...(found.length === 0 ? [{ name: 'Leftovers', state: 'ok', detail: 'none' } as const] : found),
    ...passedOver.map((detail): Finding => ({ name: 'Passed over', state: 'ok', detail })),
  ]
}
