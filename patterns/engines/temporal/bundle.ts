import { createHash } from 'node:crypto'
import { globSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode } from '@temporalio/worker'

/** Beside our own compiled code, where Node keeps that. */
const folder = process.env['NODE_COMPILE_CACHE']

/** The workflow as one script for the SDK's sandbox. Bundling takes over a second, so workers keep it for the next. */
export async function workflowBundle(): Promise<{ readonly code: string }> {
  const file = folder && join(folder, `temporal-workflow-${await fingerprint()}.js`)
  const kept = file && (await readFile(file, 'utf8').catch(() => undefined))
  if (kept) return { code: kept }
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`./workflow.${extension}`, import.meta.url)),
    logger: quiet,
  })
  // Where it cannot be kept, the next one makes it again.
  if (file) await keep(file, code).catch(() => {})
  return { code }
}

/** Complete or absent: workers may start side by side. */
async function keep(file: string, code: string): Promise<void> {
  const partial = `${file}.${process.pid}`
  await writeFile(partial, code)
  await rename(partial, file)
}

/** Of the SDK's version and of every module that the workflow may be made of: of this folder and of the contract. */
async function fingerprint(): Promise<string> {
  const { version } = createRequire(import.meta.url)('@temporalio/workflow/package.json') as { version: string }
  const patterns = new URL('../../', import.meta.url)
  const modules = [`engines/temporal/*.${extension}`, `contract/**/*.${extension}`]
  const sources = globSync(modules, { cwd: fileURLToPath(patterns) }).toSorted()
  const hash = createHash('sha256').update(version)
  for (const name of sources) hash.update(await readFile(new URL(name, patterns)))
  return hash.digest('hex').slice(0, 16)
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

const say = (): void => {}
const quiet = { log: say, trace: say, debug: say, info: say, warn: say, error: say }
