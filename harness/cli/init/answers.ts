import { UsageError } from '../../core/errors.ts'
import { didYouMean } from '../../core/did-you-mean.ts'
import { isMap } from '../../scenario/problems.ts'
import { type PresetName, presetNames, presets } from '../../scenario/presets.ts'
import { requestLine } from '../../scenario/target-schema.ts'
import { positiveDuration } from '../../scenario/units.ts'
import { type Api, apiNames, apis, type Speech } from './apis.ts'

/** What flags and answers on a terminal say, as they were written. */
export interface Told {
  readonly name: string
  readonly start?: string
  readonly image?: string
  readonly url?: string
  readonly port?: number
  readonly replicas: number
  readonly env: readonly string[]
  readonly passEnv: readonly string[]
  readonly ready?: string
  readonly api?: string
  readonly submit?: string
  readonly status?: string
  readonly key?: string
  readonly type?: string
  /** JSON. */
  readonly input?: string
  readonly takes?: string
  readonly right?: string
  readonly preset?: PresetName
}

export type Program =
  | { readonly kind: 'start'; readonly command: readonly string[] }
  | { readonly kind: 'image'; readonly image: string; readonly port: number | undefined }
  | { readonly kind: 'url'; readonly url: string }

/** A service as far as a scenario must know it. */
export interface Service {
  readonly name: string
  readonly program: Program
  readonly replicas: number
  readonly env: Readonly<Record<string, string>>
  readonly passEnv: readonly string[]
  readonly ready: string
  readonly api: Api
  readonly speech: Speech | undefined
  readonly key: string | undefined
  readonly type: string | undefined
  readonly input: Readonly<Record<string, unknown>> | undefined
  readonly takes: string
  readonly takesMs: number
  readonly right: string | undefined
  /** Absent: as large as a first try may be. */
  readonly preset: PresetName | undefined
}

/** What is asked of a service, without which no scenario can be written. By flags. */
export function missingFlags({ start, image, url, api, takes }: Told): readonly string[] {
  return [
    ...([start, image, url].every((one) => one === undefined) ? ['--start, --image or --url'] : []),
    ...(api === undefined ? ['--api'] : []),
    ...(takes === undefined ? ['--takes'] : []),
  ]
}

/** Throws one UsageError with all that is missing or cannot be read. */
export function serviceOf(told: Told): Service {
  const problems: string[] = []
  const read = <T>(parse: () => T): T | undefined => {
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      problems.push(...error.problems)
      return undefined
    }
  }
  const missing = missingFlags(told)
  if (missing.length > 0)
    problems.push(`${missing.join('; ')}: missing, and this is no terminal where they could be asked for`)
  const programs = [told.start, told.image, told.url].filter((one) => one !== undefined)
  if (programs.length > 1) problems.push('--start, --image and --url go without each other: one of them runs')
  const parts = {
    api: read(() => (told.api === undefined ? undefined : apiCalled(told.api))),
    env: read(() => environmentOf(told)),
    input: read(() => (told.input === undefined ? undefined : inputOf(told.input))),
    submit: read(() => requestOf('--submit', told.submit)),
    status: read(() => requestOf('--status', told.status)),
    takesMs: read(() => (told.takes === undefined ? undefined : durationOf(told.takes))),
  }
  const { api, env, takesMs } = parts
  if (api && !api.speech && [told.submit, told.status, told.key].some((one) => one !== undefined))
    problems.push('--submit, --status and --key go without --api task-api, which says all of them')
  if (problems.length > 0 || !api || !env || takesMs === undefined) throw new UsageError(problems)
  const { name, replicas, passEnv, ready = 'tcp', key, type, takes, right, preset } = told
  const common = { name, replicas, env, passEnv, ready, key, type, takesMs, right, preset, input: parts.input }
  return { ...common, program: programOf(told), api, speech: speechOf(api, told), takes: takes! }
}

function programOf({ start, image, url, port }: Told): Program {
  if (url !== undefined) return { kind: 'url', url }
  if (image !== undefined) return { kind: 'image', image, port }
  return { kind: 'start', command: commandOf(start!) }
}

/** Words, where they are no more than that; what a shell would read otherwise, a shell reads. */
function commandOf(text: string): readonly string[] {
  return /[^\w\s./:=@%+,{}-]/.test(text) ? ['/bin/sh', '-c', text] : text.trim().split(/\s+/)
}

export function apiCalled(name: string): Api {
  const known = apiNames.find((one) => one === name)
  if (known) return apis[known]
  throw new UsageError(`--api: there is no "${name}"${didYouMean(name, apiNames)}; write one of ${apiNames.join(', ')}`)
}

function speechOf({ speech }: Api, { submit, status }: Told): Speech | undefined {
  return speech && { ...speech, ...(submit !== undefined && { submit }), ...(status !== undefined && { status }) }
}

/** A command that does not say where to listen is told in the variable that most programs read. */
function environmentOf({ env, start }: Told): Readonly<Record<string, string>> {
  const bad = env.filter((one) => !/^[A-Za-z_]\w*=/.test(one))
  if (bad.length > 0) throw new UsageError(bad.map((one) => `--env: "${one}" is no variable; write NAME=VALUE`))
  const own = Object.fromEntries(env.map((one) => one.split(/=(.*)/s, 2) as [string, string]))
  const isTold = start === undefined || `${start} ${Object.values(own).join(' ')}`.includes('{port}')
  return { ...(!isTold && { PORT: '{port}' }), ...own }
}

/** Those that are larger than what is written without one. */
export const sizedPresets = presetNames.filter((name) => 'aim' in presets[name])

export function presetCalled(name: string): PresetName {
  const known = sizedPresets.find((one) => one === name)
  if (known) return known
  throw new UsageError(
    `--preset: there is no "${name}"${didYouMean(name, sizedPresets)}; write one of ${sizedPresets.join(', ')}`,
  )
}

export function inputOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (isMap(value)) return value
  } catch {
    // Said below.
  }
  throw new UsageError(`--input: it is no JSON object; write for example '{"topic":"{key}"}'`)
}

function requestOf(flag: string, text: string | undefined): void {
  const problem = text === undefined ? undefined : requestLine.safeParse(text).error
  if (problem) throw new UsageError(`${flag}: ${problem.issues[0]!.message}`)
}

export function durationOf(text: string): number {
  const parsed = positiveDuration.safeParse(text)
  if (parsed.success) return parsed.data
  throw new UsageError(`--takes: ${parsed.error.issues[0]!.message}`)
}
