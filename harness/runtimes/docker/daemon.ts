import { describeError } from '../../core/errors.ts'
import { resolveImages } from './images/resolve.ts'

interface Info {
  readonly ServerVersion: string
  readonly Driver: string
  readonly CgroupVersion?: string
  readonly OperatingSystem: string
  readonly OSType: string
  readonly MemoryLimit: boolean
  readonly CpuCfsQuota?: boolean
}

/** Why this runtime cannot be used here, or undefined. Starts nothing. */
export async function whyNoEngine(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'it dials containers by their addresses, which only Linux routes'
  try {
    const info = await engineInfo()
    if (info.OSType !== 'linux') return `the engine runs ${info.OSType} containers`
    if (/Docker Desktop/.test(info.OperatingSystem))
      return 'Docker Desktop keeps its containers in a machine of their own'
    await resolveImages()
    return undefined
  } catch (error) {
    return explain(error)
  }
}

/** The engine and every image that containers are started from, for the run's record. */
export async function describeEngine(): Promise<Readonly<Record<string, string>>> {
  const info = await engineInfo()
  const { ApiVersion } = await (await dockerode()).version()
  const images = [...(await resolveImages())]
  return {
    engine: `Docker Engine ${info.ServerVersion}, API ${ApiVersion}, ${info.Driver}, control groups v${info.CgroupVersion ?? '1'}`,
    ...Object.fromEntries(
      images.map(([name, { reference, id, source }]) => [`image ${name}`, `${reference} ${id} (${source})`]),
    ),
  }
}

async function engineInfo(): Promise<Info> {
  return (await (await dockerode()).info()) as Info
}

/** As DOCKER_HOST says, else the socket that every engine has. */
async function dockerode() {
  const { default: Dockerode } = await import('dockerode')
  return new Dockerode()
}

function explain(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'no Docker Engine answers: start dockerd, or set DOCKER_HOST'
  if (code === 'EACCES') return 'the socket of the Docker Engine may not be used: become a member of the group docker'
  return describeError(error)
}
