import { exitCodes } from '../../core/errors.ts'
import { clockText } from '../../live/run-view.ts'
import type { Plan } from '../../model/plan.ts'
import { estimateRunMs } from '../../plan/estimate.ts'
import { previewPlan } from '../../plan/preview.ts'
import type { Registry } from '../../registry.ts'
import type { CommandFile } from '../command.ts'
import { lookAhead, outlookLines } from '../../plan/power.ts'
import { print, printJson } from '../output.ts'
import { shippedScenario } from '../arguments.ts'
import { planScenario, type ScenarioOptions, takesScenario } from '../scenario-arguments.ts'

const examples = `
Examples:
  outlast plan ${shippedScenario('smoke')}              cells, what is left out, and every fault with its time
  outlast plan ${shippedScenario('smoke')} --seed 7     another draw
  outlast plan ${shippedScenario('smoke')} --json       plan.json, as a run would save it`

export default {
  name: 'plan',
  summary: 'print what a run would do, without doing it',
  declare(command, { registry, done }) {
    takesScenario(command)
      .option('--json', 'the plan itself')
      .addHelpText('after', examples)
      .action(async (path: string, options: ScenarioOptions & { readonly json?: true }) => {
        const { plan } = await planScenario(path, options, registry)
        if (options.json) printJson(plan)
        else print(`${previewPlan(plan)}\n${await outlookOf(plan, registry)}`)
        done(exitCodes.pass)
      })
  },
} satisfies CommandFile

async function outlookOf(plan: Plan, registry: Registry): Promise<string> {
  const catalog = await registry.catalog()
  const took = estimateRunMs(plan, ({ profile, timeScale }) => catalog.workOf(profile)!.idealMs / timeScale, true)
  const about = plan.cells.length > 0 ? `A run takes about ${clockText(took)} on a machine that is not busy.` : ''
  return [outlookLines(lookAhead(plan, catalog)), about].filter((part) => part !== '').join('\n\n')
}
