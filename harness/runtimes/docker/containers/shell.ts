import { PassThrough } from 'node:stream'
import type { Container } from 'dockerode'
import { HarnessError } from '../../../core/errors.ts'

/** A shell that stays open in a container: starting one for each command takes longer than a short fault. */
export interface Shell {
  /** Run a command, with `input` on its standard input. Resolves with all that it says; rejects with that when it fails. */
  run(command: string, input?: string): Promise<string>
}

interface Pending {
  readonly end: RegExp
  readonly resolve: (said: { readonly output: string; readonly code: number }) => void
  readonly reject: (error: Error) => void
}

/** Open it as the container's own user. It ends with the container. */
export async function openShell(container: Container): Promise<Shell> {
  const attached = { AttachStdin: true, AttachStdout: true, AttachStderr: true }
  const exec = await container.exec({ Cmd: ['sh'], ...attached })
  const stream = await exec.start({ hijack: true, stdin: true })
  const said = new PassThrough().setEncoding('utf8')
  container.modem.demuxStream(stream, said, said)
  let text = ''
  let pending: Pending | undefined
  const fail = (): void => pending?.reject(new HarnessError('the shell in the container ended'))
  stream.on('end', fail).on('close', fail).on('error', fail)
  said.on('data', (chunk: string) => {
    text += chunk
    const end = pending?.end.exec(text)
    if (!end) return
    pending!.resolve({ output: text.slice(0, end.index), code: Number(end[1]) })
    text = ''
  })
  let last: Promise<unknown> = Promise.resolve()
  let ordinal = 0
  const send = (command: string, input: string): Promise<{ output: string; code: number }> => {
    const mark = `outlast-${++ordinal}`
    return new Promise((resolve, reject) => {
      pending = { end: new RegExp(`\\n${mark} (\\d+)\\n`), resolve, reject }
      if (stream.destroyed || stream.writableEnded) return fail()
      stream.write(`${command} 2>&1 <<'${mark}'\n${input}\n${mark}\nprintf '\\n${mark} %s\\n' "$?"\n`)
    })
  }
  return {
    run: (command, input = '') => {
      const turn = last.then(() => send(command, input))
      last = turn.catch(() => {})
      return turn.then(({ output, code }) => {
        if (code === 0) return output
        throw new HarnessError(`${command.split(' ')[0]} failed (${code}): ${output.trim()}`)
      })
    },
  }
}
