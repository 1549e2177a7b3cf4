import { mkdir, rename, rm } from 'node:fs/promises'
import { say } from './command.ts'

/** One thing that `npm run engines:install` installs, by the name that it takes. */
export interface Installable {
  readonly name: string
  /** Installed where no name is given. */
  readonly isUsual?: true
  /** What it is on this machine: how it is made may depend on the tools that are here. */
  choose(): Promise<Installation>
}

export interface Installation {
  readonly title: string
  readonly folder: string
  isThere(): Promise<boolean>
  /** Put it into this folder, which is there and empty. */
  fill(folder: string): Promise<void>
}

/** One after the other: two compilers at once need the memory of both and no less time. */
let last: Promise<unknown> = Promise.resolve()

/** Make it, unless it is there. Throws HarnessError with what the tool said, or with how to get one. */
export function install(wanted: Installation): Promise<void> {
  const made = last.then(() => provide(wanted))
  last = made.catch(() => {})
  return made
}

/** Complete or absent: made under another name first. */
async function provide({ title, folder, isThere, fill }: Installation): Promise<void> {
  if (await isThere()) return say(`${title}: is there, in ${folder}`)
  const partial = `${folder}.${process.pid}`
  const started = performance.now()
  await mkdir(partial, { recursive: true })
  try {
    await fill(partial)
    await rename(partial, folder).catch(async (error: unknown) => {
      // Another install was as far first.
      if (!(await isThere())) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  say(`${title}: ready after ${((performance.now() - started) / 1000).toFixed(0)} s, in ${folder}`)
}
