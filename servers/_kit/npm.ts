import { createRequire } from 'node:module'
import { HarnessError } from '../../harness/core/errors.ts'
import { installedVersion, isCheckout, testedVersion } from '../../harness/core/own-package.ts'

/**
 * Why these packages cannot be used, with the command that mends it. Undefined where npm installed each of them, at the version
 * with which we are tested: another one would be measured under its name.
 */
export function whyNoPackages(names: readonly string[]): string | undefined {
  const wrong = [...new Set(names)].filter((name) => {
    const version = installedVersion(name)
    return version === undefined || version !== testedVersion(name)
  })
  if (wrong.length === 0) return undefined
  const others = wrong.flatMap((name) =>
    installedVersion(name) === undefined ? [] : `${name} ${installedVersion(name)}`,
  )
  const instead = others.length > 0 ? ` instead of ${others.join(', ')}` : ''
  return `it needs ${wrong.map((name) => versioned(name)).join(', ')}${instead}: ${installCommand(wrong)}`
}

/** The command that brings these packages. A checkout has a lockfile; a project has to be told what and which. */
export function installCommand(names: readonly string[], inCheckout = 'npm ci'): string {
  return isCheckout ? inCheckout : `npm i -D -E ${names.map((name) => versioned(name, '@')).join(' ')}`
}

function versioned(name: string, separator = ' '): string {
  const version = testedVersion(name)
  return version === undefined ? name : name + separator + version
}

/** The exact version of a package that npm installed for us. Throws HarnessError where it did not. */
export function packageVersion(name: string): string {
  const version = installedVersion(name)
  if (version === undefined) throw new HarnessError(`npm did not install ${name}: ${installCommand([name])}`)
  return version
}

/** A file of a package that another package brings for this platform. Throws where npm installed none. */
export function resolveBeside(entry: string, file: string): string {
  return createRequire(createRequire(import.meta.url).resolve(entry)).resolve(file)
}
