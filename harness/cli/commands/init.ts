import { existsSync, lstatSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type ExitCode, exitCodes, UsageError } from '../../core/errors.ts'
import type { Registry } from '../../registry.ts'
import { adapterText } from '../init/adapter.ts'
import { type Service, serviceOf, sizedPresets, type Told } from '../init/answers.ts'
import { apiNames } from '../init/apis.ts'
import { checkScenario } from '../init/check.ts'
import { askFor } from '../init/questions.ts'
import { scenarioText } from '../init/scenario.ts'
import { openTerminal } from '../init/terminal.ts'
import { unknownAction, workflowText } from '../init/workflow.ts'
import { ensureFolder, writeWhole } from '../../store/whole-file.ts'
import { parseList } from '../arguments.ts'
import type { CommandFile } from '../command.ts'
import { reportError } from '../exit.ts'
import { print } from '../output.ts'
import conform from './conform.ts'
import plan from './plan.ts'
import run from './run.ts'

const notes = `
Writes outlast.yaml, a scenario with the arms none and kill (refuse for an address), and .github/workflows/outlast.yml. On a
terminal it asks for what flags do not say. It plans what it wrote, and holds a service at an address that speaks the task API
against the contract. No file is replaced unless --force says so.

Its numbers are those of a first try: both arms take about a minute, and no gate is on the arm with faults, which so few could not
settle. With --preset it writes none, but a gate for that arm too. outlast then chooses as many tasks and faults as settle it.

How a service answers (--api):
  task-api     the task API of outlast (docs/contract.md)
  jobs         POST /jobs answers with an id, GET /jobs/{id} with the state
  operation    202 with Operation-Location, an address that answers with the state
  background   a response in the background: POST /v1/responses, GET /v1/responses/{id}
  webhook      it only posts the outcome to an address that the submission names

Exits with 0 when all is written and nothing that it tried failed, 3 when something cannot be written where it is to go, 4 where
the disk is full, else with the code of what it tried.

Examples:
  outlast init                                     asks
  outlast init --start 'python3 service.py --port {port}' --api jobs --takes 20s --right '$.result'
  outlast init --start 'node server.js' --api jobs --takes 2s --env PORT={port} --env DB={data}/jobs.db --key idempotency-key
  outlast init --url http://127.0.0.1:8080 --api task-api --takes 10s --type report --input '{"topic":"{key}"}'
  outlast init --image me/service:1 --port 8080 --api operation --takes 30s
  outlast init --start 'npm start' --api webhook --takes 5s --adapter --try
  outlast init --start 'node server.js' --api jobs --takes 2s --preset pr   for pull requests: at most five minutes`

interface Options extends Told {
  readonly adapter?: true
  readonly action?: string
  readonly ci: boolean
  readonly try?: true
  readonly force?: true
}

export default {
  name: 'init',
  summary: 'write a scenario, and a CI workflow, for a service of your own',
  declare(command, { registry, done }) {
    command
      .argument('[folder]', 'where the files go: the root of your repository', '.')
      .option('--start <command>', 'starts the service; {port} is where it is to listen')
      .option('--image <name>', 'its container image')
      .option('--url <address>', 'where it runs already')
      .option('--port <n>', 'with --image: where it listens; 8080 unless given', parseCount)
      .option('--replicas <n>', 'how many processes of it run', parseCount, 1)
      .option(
        '--env <name=value>',
        'a variable that it gets, with {port}, {data}, {token}, {timeScale}; repeat it',
        collect,
        [],
      )
      .option('--pass-env <a,b>', 'variables of yours that it gets too', parseList, [])
      .option('--ready <path>', 'a path that answers 200 when it is ready; tcp: it accepts connections')
      .option('--api <kind>', `how it answers: ${apiNames.join(', ')}`)
      .option('--submit <request>', 'submits a task, where it is not as --api has it: POST /v2/jobs')
      .option('--status <request>', 'asks for the state of a task: GET /v2/jobs/{id}')
      .option('--key <header>', 'header that names a task, so that one that is sent twice is one task')
      .option('--type <name>', 'with --api task-api: type of its tasks')
      .option('--input <json>', 'what is submitted; {key} differs by task')
      .option('--takes <time>', 'how long a task takes at best, for example 20s')
      .option('--right <path>', 'what a right result has: a JSONPath, or path == JSON')
      .addOption(new Option('--preset <name>', 'sizes the run by power').choices(sizedPresets))
      .option('--name <name>', 'of the service in the scenario', 'service')
      .option('--adapter', 'a TypeScript file that says how it is spoken to, in the place of a description')
      .option('--action <owner/repo@ref>', 'the repository of outlast, for the workflow', parseAction)
      .option('--no-ci', 'no workflow')
      .option('--try', 'run the scenario once without faults')
      .option('--force', 'replace files that are there')
      .addHelpText('after', notes)
      .action(async (folder: string, options: Options) => done(await init(folder, options, registry)))
  },
} satisfies CommandFile

function parseCount(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a whole number, from 1.')
}

function parseAction(text: string): string {
  if (/^[\w.-]+\/[\w./-]+@[\w./-]+$/.test(text)) return text
  throw new InvalidArgumentError('Write an action such as owner/outlast@v1.')
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text]
}

interface Wanted {
  readonly service: Service
  readonly options: Options
  readonly folder: string
  /** Asked for, by a flag or on the terminal. */
  readonly isTried: boolean
}

async function init(folder: string, options: Options, registry: Registry): Promise<ExitCode> {
  refuseExisting(folder, options)
  const wanted = { ...(await ask(options)), options, folder }
  const files = filesOf(wanted)
  const place = { file: join(folder, scenarioFile), runtime: runtimeOf(wanted.service), adapter: `./${adapterFile}` }
  checkScenario(files.get(scenarioFile)!, place, await registry.catalog())
  for (const [name, text] of files) await write(join(folder, name), text)
  const code = await check(wanted, registry)
  print(nextSteps(wanted))
  return code
}

async function ask(options: Options): Promise<Pick<Wanted, 'service' | 'isTried'>> {
  const { try: tried = false } = options
  if (!process.stdin.isTTY || !process.stdout.isTTY) return { service: serviceOf(options), isTried: tried }
  using terminal = openTerminal()
  const told = await askFor(options, terminal)
  const service = serviceOf(told)
  if (told === options || tried) return { service, isTried: tried }
  return { service, isTried: /^y/i.test(await terminal.ask('Run it once now, without faults? [y/N]')) }
}

const scenarioFile = 'outlast.yaml'
const adapterFile = 'outlast.adapter.ts'
const workflowFile = '.github/workflows/outlast.yml'
const packageFolder = 'node_modules/outlast'

/** Before anybody is asked anything. */
function refuseExisting(folder: string, { adapter, ci, force }: Options): void {
  const names = [scenarioFile, ...(adapter ? [adapterFile] : []), ...(ci ? [workflowFile] : [])]
  const there = names.map((name) => join(folder, name)).filter((path) => lstatSync(path, { throwIfNoEntry: false }))
  if (force || there.length === 0) return
  throw new UsageError(`${there.join(' and ')}: there already; nothing was written (--force replaces what is there)`)
}

function filesOf({ service, folder, options }: Wanted): ReadonlyMap<string, string> {
  const { adapter, ci } = options
  const { speech, program } = service
  if (adapter && !speech) throw new UsageError('--adapter translates an API, and --api task-api needs no translation')
  const schema = `${packageFolder}/scenarios/scenario.schema.json`
  const around = {
    schema: existsSync(join(folder, schema)) ? schema : undefined,
    adapter: adapter && adapterFile,
  }
  const workflow = {
    scenario: scenarioFile,
    ...workflowSource(options, folder),
    runtime: runtimeOf(service),
    isRemote: program.kind === 'url',
  }
  return new Map([
    [scenarioFile, scenarioText(service, around)],
    ...(adapter ? [[adapterFile, adapterText({ ...service, speech: speech! })] as const] : []),
    ...(ci ? [[workflowFile, workflowText(workflow)] as const] : []),
  ])
}

/** Where a project has outlast as a package its workflow does too. */
function workflowSource({ action }: Options, folder: string): { readonly action?: string } {
  if (action !== undefined) return { action }
  return existsSync(join(folder, packageFolder)) ? {} : { action: unknownAction }
}

function runtimeOf({ program }: Service): 'process' | 'docker' {
  return program.kind === 'image' ? 'docker' : 'process'
}

/** Whole or not at all: what it replaces stays where the disk is full. A link goes, and where it leads nothing is written. */
async function write(path: string, text: string): Promise<void> {
  ensureFolder(dirname(path))
  await writeWhole(path, text)
  print(`wrote ${path}`)
}

/** The commands that a user would give next, as far as they can be tried at once. Resolves with what the first that failed said. */
async function check({ service, folder, isTried }: Wanted, registry: Registry): Promise<ExitCode> {
  const file = join(folder, scenarioFile)
  const runtime = runtimeOf(service) === 'docker' ? ['--runtime', 'docker'] : []
  await using inputFile = await inputFileOf(service)
  const input = inputFile.path === undefined ? [] : ['--input', inputFile.path]
  const calls = [
    [plan, [file, ...runtime]] as const,
    ...(service.program.kind === 'url' && !service.speech
      ? [[conform, [service.program.url, ...typeOf(service), ...input]] as const]
      : []),
    ...(isTried ? [[run, [file, '--arms', 'none', ...runtime]] as const] : []),
  ]
  let code: ExitCode = exitCodes.pass
  for (const [command, args] of calls) code ||= await carryOut(command, args, registry)
  return code
}

async function carryOut(file: CommandFile, args: readonly string[], registry: Registry): Promise<ExitCode> {
  let code: ExitCode = exitCodes.pass
  const command = new Command(file.name).exitOverride()
  file.declare(command, { registry, done: (result) => (code = result) })
  print(`\n$ outlast ${file.name} ${args.join(' ')}`)
  try {
    await command.parseAsync(args, { from: 'user' })
  } catch (error) {
    // The files are written all the same, and what to do with them is still to be said.
    return reportError(error)
  }
  return code
}

function typeOf({ type }: Service): readonly string[] {
  return type === undefined ? [] : ['--type', type]
}

/** `conform` reads the input from a file, which is gone afterwards. */
async function inputFileOf({ input }: Service): Promise<AsyncDisposable & { readonly path?: string }> {
  if (input === undefined) return { [Symbol.asyncDispose]: async () => {} }
  const folder = await mkdtemp(join(tmpdir(), 'outlast-init-'))
  const path = join(folder, 'input.json')
  await writeFile(path, JSON.stringify(input))
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** What is left to the user. */
function nextSteps({ service, folder, options }: Wanted): string {
  const file = join(folder, scenarioFile)
  const more = runtimeOf(service) === 'docker' ? ' --runtime docker' : ''
  const isUnknown = options.ci && workflowSource(options, folder).action === unknownAction
  const commands = [
    [`outlast run ${file} --arms none${more}`, 'without faults: is the scenario right?'],
    [`outlast run ${file}${more}`, 'with them'],
  ] as const
  const width = Math.max(...commands.map(([command]) => command.length))
  const workflow = join(folder, workflowFile)
  return [
    '\nNext:',
    ...commands.map(([command, about]) => `  ${command.padEnd(width)}   ${about}`),
    ...(options.adapter ? [`  edit ${join(folder, adapterFile)}, where the service answers in another way`] : []),
    ...(isUnknown ? [`  edit ${workflow}: for ${unknownAction} write the repository of outlast`] : []),
    ...(options.ci
      ? [`  git add ${[file, workflow, ...(options.adapter ? [join(folder, adapterFile)] : [])].join(' ')}`]
      : []),
  ].join('\n')
}
