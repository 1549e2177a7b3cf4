import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { startOutlast } from './outlast.ts'

/** `outlast serve`, as a newcomer uses it: the address is on its first line, and the lines to copy below it. */
export async function serve(args: readonly string[], tmp: string, env: Readonly<Record<string, string>> = {}) {
  const child = startOutlast(['serve', ...args, '--port', '0'], tmp, undefined, env)
  const exited = once(child, 'exit')
  const said: string[] = []
  let heard = ''
  child.stderr!.on('data', (chunk: Buffer) => (heard += chunk))
  createInterface({ input: child.stdout! }).on('line', (line) => said.push(line))
  while (!said.some((line) => line.endsWith('/openapi.json'))) {
    if (child.exitCode !== null) throw new Error(`it ended: ${heard}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const end = async (): Promise<unknown> => {
    child.kill('SIGINT')
    return (await exited)[0]
  }
  const [, url] = / at (http:\/\/\S+)$/.exec(said[0]!)!
  const token = said.find((line) => line.startsWith('export OUTLAST_TOKEN='))!.split('=')[1]!
  return { url: url!, token, said, heard: () => heard, end }
}
