import { loadDeliveryServer } from '../../../patterns/contract/server/plugins.ts'
import type { Backend } from '../../../patterns/contract/engine/backend.ts'
import { exitCodes } from '../../core/errors.ts'
import type { CommandFile } from '../command.ts'
import { print } from '../output.ts'
import { resolvePatterns } from '../patterns.ts'

const notes = `
The document is that of GET /openapi.json: what the pattern's delivery serves, whatever its engine. Without a pattern it is
that of sse-polling.

Examples:
  outlast openapi webhook-retry > openapi.json
  outlast openapi | npx @redocly/cli lint /dev/stdin`

export default {
  name: 'openapi',
  summary: 'print the OpenAPI document of a pattern',
  declare(command, { registry, done }) {
    command
      .argument('[pattern]', 'a name of the catalog, or delivery+engine', 'sse-polling')
      .addHelpText('after', notes)
      .action(async (name: string) => {
        const [pattern] = resolvePatterns([name], await registry.catalog())
        print(JSON.stringify(JSON.parse(await documentOf(pattern!.delivery.name)), null, 2))
        done(exitCodes.pass)
      })
  },
} satisfies CommandFile

/** As a node answers it: nothing of an engine is asked for that. */
async function documentOf(delivery: string): Promise<string> {
  const { routes } = await loadDeliveryServer(delivery)
  const listen = { host: '127.0.0.1', port: 0 }
  const settings = {
    node: 'openapi',
    listen,
    delivery,
    engine: 'none',
    timeScale: 1,
    tuning: 'default' as const,
    token: '',
  }
  const answer = await routes({} as Backend, settings, new AbortController().signal).request('/openapi.json')
  return answer.text()
}
