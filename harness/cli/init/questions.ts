import { describeError } from '../../core/errors.ts'
import { apiCalled, durationOf, inputOf, missingFlags, presetCalled, sizedPresets, type Told } from './answers.ts'
import { apiNames, apis } from './apis.ts'

export interface Terminal {
  /** Asks one thing and resolves with the answer, trimmed; '' where nothing was written. */
  ask(question: string): Promise<string>
  tell(line: string): void
}

type Answers = Partial<Told>
type Question = (told: Told, terminal: Terminal) => Promise<Answers>

/** Asks for what flags do not say, where they do not say enough. An answer that cannot be read is asked for again. */
export async function askFor(told: Told, terminal: Terminal): Promise<Told> {
  if (missingFlags(told).length === 0) return told
  let all = told
  for (const question of questions) all = { ...all, ...(await question(all, terminal)) }
  return all
}

const questions: readonly Question[] = [
  askProgram,
  askApi,
  askRequests,
  askInput,
  askReady,
  askTakes,
  askRight,
  askEnv,
  askPreset,
]

async function askProgram({ start, image, url }: Told, terminal: Terminal): Promise<Answers> {
  if ([start, image, url].some((one) => one !== undefined)) return {}
  const answer = await insist(
    terminal,
    'What runs it? A command with {port}, an address http://..., or image:NAME',
    (text) => text,
  )
  if (/^https?:\/\//.test(answer)) return { url: answer }
  return answer.startsWith('image:') ? { image: answer.slice('image:'.length).trim() } : { start: answer }
}

async function askApi({ api }: Told, terminal: Terminal): Promise<Answers> {
  if (api !== undefined) return {}
  for (const [i, name] of apiNames.entries()) terminal.tell(`  ${i + 1} ${name}: ${apis[name].about}`)
  const named = (text: string): string => apiNames[Number(text) - 1] ?? text
  const answer = await insist(terminal, 'How does it answer? A number or a name', (text) => apiCalled(named(text)))
  return { api: named(answer) }
}

async function askRequests({ api, submit, status, key }: Told, { ask }: Terminal): Promise<Answers> {
  const { speech } = apiCalled(api!)
  if (!speech) return {}
  const asked = {
    submit: submit ?? (await ask(`Which request submits a task? [${speech.submit}]`)),
    status: status ?? (speech.status && (await ask(`Which request asks for its state? [${speech.status}]`))),
    key: key ?? (await ask('Which header names a task, so that one that is sent twice is one task? [none]')),
  }
  return given(asked)
}

async function askInput({ input }: Told, terminal: Terminal): Promise<Answers> {
  if (input !== undefined) return {}
  const question = 'What is submitted? JSON, in which {key} differs by task [{"job":"{key}"}]'
  return given({ input: await insist(terminal, question, (text) => text && inputOf(text), '') })
}

async function askReady({ ready }: Told, { ask }: Terminal): Promise<Answers> {
  return ready === undefined
    ? given({ ready: await ask('Which path answers 200 when it is ready? [tcp: it accepts connections]') })
    : {}
}

async function askTakes({ takes }: Told, terminal: Terminal): Promise<Answers> {
  return takes === undefined
    ? { takes: await insist(terminal, 'How long does a task take at best? For example 20s', durationOf) }
    : {}
}

async function askRight({ right }: Told, { ask }: Terminal): Promise<Answers> {
  return right === undefined
    ? given({ right: await ask('What has a right result? JSONPath, as $.result [any is right]') })
    : {}
}

async function askEnv({ env, url }: Told, { ask }: Terminal): Promise<Answers> {
  if (url !== undefined || env.length > 0) return {}
  const text = await ask('Which variables does it need? NAME=VALUE, with {port}, {data}, {token} or {timeScale} [none]')
  return { env: text.split(/\s+/).filter((one) => one.includes('=')) }
}

async function askPreset({ preset }: Told, terminal: Terminal): Promise<Answers> {
  if (preset !== undefined) return {}
  const question = `How large is a run? ${sizedPresets.join(', ')}: sized by power, with a gate under faults [a first try, of about a minute]`
  const answer = await insist(terminal, question, (text) => text && presetCalled(text), '')
  return answer === '' ? {} : { preset: presetCalled(answer) }
}

/** `usual`: what an empty answer means; absent: there must be one. */
async function insist(
  terminal: Terminal,
  question: string,
  read: (text: string) => unknown,
  usual?: string,
): Promise<string> {
  for (;;) {
    const answer = (await terminal.ask(question)) || usual
    try {
      if (answer !== undefined) return (read(answer), answer)
    } catch (error) {
      terminal.tell(describeError(error))
    }
  }
}

/** Of an empty answer what is usual is taken. */
function given(answers: Readonly<Record<string, string | undefined>>): Answers {
  return Object.fromEntries(
    Object.entries(answers).filter(([, answer]) => answer !== undefined && answer !== '' && answer !== 'none'),
  )
}
