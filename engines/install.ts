/**
 * `npm run engines:install [-- temporal temporal-dev]`: build what engines need and npm does not have, once per version and
 * user: the Temporal server, or its dev server.
 */
import { describeError } from '../harness/core/errors.ts'
import { say } from '../images/command.ts'
import { install, installable, type InstallableName } from './installable.ts'

const names: readonly string[] = process.argv.length > 2 ? process.argv.slice(2) : ['temporal']
const wanted = names.filter((name): name is InstallableName => Object.hasOwn(installable, name))
const unknown = names.filter((name) => !Object.hasOwn(installable, name))
if (unknown.length > 0) {
  say(`there is no "${unknown.join('", "')}" to install; there is ${Object.keys(installable).join(', ')}`)
  process.exitCode = 3
} else {
  try {
    for (const name of wanted) await install(name)
  } catch (error) {
    say(describeError(error))
    process.exitCode = 1
  }
}
