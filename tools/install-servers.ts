/** `npm run engines:install [-- NAME...]` installs what npm does not have; each server's folder says its names. */
import { describeError } from '../harness/core/errors.ts'
import { say } from '../servers/_kit/command.ts'
import { install } from '../servers/_kit/install.ts'
import { servers } from '../servers/all.ts'

const installable = new Map(
  [...servers.values()].flatMap(({ installs = [] }) => installs).map((one) => [one.name, one]),
)
const usual = [...installable.values()].filter(({ isUsual }) => isUsual).map(({ name }) => name)
const wanted = process.argv.length > 2 ? process.argv.slice(2) : usual
const unknown = wanted.filter((name) => !installable.has(name))
if (unknown.length > 0) {
  say(`there is no "${unknown.join('", "')}" to install; there is ${[...installable.keys()].join(', ')}`)
  process.exitCode = 3
} else {
  try {
    for (const name of wanted) await install(await installable.get(name)!.choose())
  } catch (error) {
    say(describeError(error))
    process.exitCode = 1
  }
}
