import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { runProgram } from '../../harness/os/program.ts'

/** Where this machine's Python and its modules are; every library that they load is added by `ldd`. */
const places = `
import glob, json, os, sqlite3, sys, sysconfig
print(json.dumps({
  'python': os.path.realpath(sys.executable),
  'modules': sysconfig.get_path('stdlib'),
  'home': sys.base_prefix,
  'shared': glob.glob(os.path.join(sysconfig.get_path('platstdlib'), 'lib-dynload', '*.so')),
}))`

interface Places {
  readonly python: string
  readonly modules: string
  readonly home: string
  readonly shared: readonly string[]
}

/** Why no image with a Python can be made here, or undefined. */
export async function whyNoPython(): Promise<string | undefined> {
  return findPython().then(
    () => undefined,
    () => 'there is no python3 with sqlite3',
  )
}

async function findPython(): Promise<Places> {
  return JSON.parse((await runProgram('python3', ['-c', places])).stdout) as Places
}

/**
 * An image that runs a Python program of the standard library, as a user without rights: made of this machine's own Python,
 * so that no registry is asked. It has no shell and no other program. Disposing removes it.
 */
export async function makePythonImage(
  reference: string,
  program: string,
): Promise<AsyncDisposable & { readonly id: string; readonly reference: string }> {
  const { python, modules, home, shared } = await findPython()
  const linked = (await Promise.all([python, ...shared].map(librariesOf))).flat()
  const folder = await mkdtemp(join(tmpdir(), 'python-image-'))
  try {
    await mkdir(join(folder, 'srv'))
    await copyFile(program, join(folder, 'srv', basename(program)))
    const archive = join(folder, 'image.tar')
    const left = ['test', 'site-packages', 'idlelib', 'lib2to3', 'ensurepip', 'tkinter', 'config-*', '*.a']
    const files = [...new Set([python, modules, ...linked])].map((path) => path.slice(1))
    const excluded = left.map((name) => `--exclude=${name}`)
    const own = ['-C', folder, 'srv', '-C', '/', ...files]
    await runProgram('tar', ['--create', '--dereference', '--file', archive, ...excluded, ...own])
    const changes = [
      `ENV PYTHONHOME=${home} LD_LIBRARY_PATH=${join(home, 'lib')} PYTHONUNBUFFERED=1`,
      'USER 1000:1000',
      'EXPOSE 8080',
      `ENTRYPOINT ["${python}"]`,
      `CMD ["/srv/${basename(program)}"]`,
    ].flatMap((change) => ['--change', change])
    const { stdout } = await runProgram('docker', ['import', ...changes, archive, reference], { timeoutMs: 120_000 })
    const remove = async () => void (await runProgram('docker', ['image', 'rm', '--force', reference]))
    return { id: stdout.trim(), reference, [Symbol.asyncDispose]: remove }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function librariesOf(file: string): Promise<readonly string[]> {
  const { stdout } = await runProgram('ldd', [file]).catch(() => ({ stdout: '' }))
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path!)
}
