import { once } from 'node:events'
import { root, type Finished } from './outlast.ts'
import { execFileSync, spawn } from './programs.ts'

/** A mount that nobody else sees, and that is gone with the process: as root, or as root of a name space of one's own. */
const enter = process.getuid?.() === 0 ? ['-m'] : ['-rm']

/** Why there can be no small disk here, or undefined. */
export function whyNoSmallDisk(): string | undefined {
  try {
    execFileSync('unshare', [...enter, 'mount', '-t', 'tmpfs', '-o', 'size=4k', 'none', '/mnt'], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `no tmpfs can be mounted here: ${(error as Error).message.split('\n').at(-2) ?? ''}`
  }
}

/**
 * Run a shell script with a disk of so many kilobytes mounted on `place`; `outlast` is the command, `$place` the place. The disk
 * and what is on it end with it.
 */
export async function withSmallDisk(kilobytes: number, place: string, tmp: string, script: string): Promise<Finished> {
  const prepare = [
    `mount -t tmpfs -o size=${kilobytes}k,mode=755 none "$place"`,
    `outlast() { "${process.execPath}" "${root}bin/outlast.js" "$@"; }`,
  ]
  const child = spawn('unshare', [...enter, 'sh', '-c', [...prepare, script].join('\n')], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', TMPDIR: tmp, place },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, stdout, stderr }
}
