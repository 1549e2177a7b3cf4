import { exitCodes, UsageError } from '../../core/errors.ts'
import { install } from '../../../servers/_kit/install.ts'
import { servers } from '../../../servers/all.ts'
import type { CommandFile } from '../command.ts'

const installable = new Map(
  [...servers.values()].flatMap(({ installs = [] }) => installs).map((one) => [one.name, one] as const),
)
const names = [...installable.keys()].join(', ')
const usual = [...installable.values()].filter(({ isUsual }) => isUsual).map(({ name }) => name)

export default {
  name: 'install',
  summary: "install the engines' servers that npm does not have",
  declare(command, { done }) {
    command
      .argument('[name...]', `${names} (default: ${usual.join(', ')})`)
      .addHelpText('after', "\nThey go into the user's cache, once per version. outlast doctor says which are there.")
      .action(async (wanted: readonly string[]) => {
        const unknown = wanted.filter((name) => !installable.has(name))
        if (unknown.length > 0)
          throw new UsageError(`there is no "${unknown.join('", "')}" to install; there is ${names}`)
        for (const name of wanted.length > 0 ? wanted : usual) await install(await installable.get(name)!.choose())
        done(exitCodes.pass)
      })
  },
} satisfies CommandFile
