import Dockerode from 'dockerode'

/** One packet as tcpdump saw it at a crossing's interface: behind the filter when it leaves, before it when it comes. */
export interface Packet {
  readonly atMs: number
  readonly leaves: boolean
  readonly fromPort: number
  readonly toPort: number
  /** `F`: it ends a connection, `R`: it resets one. */
  readonly flags: string
}

export interface Sniffer extends AsyncDisposable {
  /** Address of the crossing that is listened to. */
  readonly host: string
  packets(): Promise<readonly Packet[]>
}

/** Listen in the namespace of a cell's crossing, from a container of our own, to packets that match `filter`. */
export async function sniff(router: string, filter: string): Promise<Sniffer> {
  const engine = new Dockerode()
  const { Image, NetworkSettings } = await engine.getContainer(router).inspect()
  const container = await engine.createContainer({
    name: `test-of-outlast-${process.pid}-sniffer`,
    Image,
    Entrypoint: ['tcpdump', '-i', 'eth0', '-n', '-tt', '-l', filter],
    HostConfig: { NetworkMode: `container:${router}`, CapDrop: ['ALL'], CapAdd: ['NET_RAW', 'SETUID', 'SETGID'] },
    Tty: true,
  })
  const host = Object.values(NetworkSettings.Networks)[0]!.IPAddress
  const said = async (): Promise<string> => String(await container.logs({ stdout: true, stderr: true }))
  await container.start()
  while (!(await said()).includes('listening on')) await new Promise((resolve) => setTimeout(resolve, 20))
  return {
    host,
    packets: async () => parse(await said(), host),
    [Symbol.asyncDispose]: () => container.remove({ force: true }),
  }
}

const line = /^(\d+\.\d+) IP (\S+)\.(\d+) > \S+\.(\d+): Flags \[([^\]]+)\]/

function parse(log: string, host: string): readonly Packet[] {
  return log.split(/\r?\n/).flatMap((text) => {
    const [, seconds, from, fromPort, toPort, flags] = line.exec(text) ?? []
    if (!seconds) return []
    const ports = { fromPort: Number(fromPort), toPort: Number(toPort) }
    return [{ atMs: Number(seconds) * 1000, leaves: from === host, ...ports, flags: flags! }]
  })
}
