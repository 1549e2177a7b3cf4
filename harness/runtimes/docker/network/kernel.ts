import type Dockerode from 'dockerode'
import { describeError } from '../../../core/errors.ts'
import { imagesCommand } from '../images/commands.ts'
import { namePrefix, ownerLabels, runLabelKey, sweep } from '../containers/sweep.ts'

/** What the packet filter needs of the kernel: each a rule set of its own, so that one that is missing hides no other. */
const abilities = {
  'sets with timeouts': 'set s { type mark; flags timeout; elements = { 1 timeout 5s } }',
  'connection states and marks': chain('filter', 'mangle', 'ct state new ct mark set 1'),
  reject: chain('filter', '0', 'meta l4proto tcp reject with tcp reset'),
  dnat: chain('nat', '-100', 'ip daddr 192.0.2.1 dnat to 127.0.0.1'),
} as const
export type Ability = keyof typeof abilities

function chain(type: string, priority: string, rule: string): string {
  return `chain c { type ${type} hook output priority ${priority}; ${rule}; }`
}

/**
 * Tries each ability in the namespace of a throw-away container of the image, which must have `nft` and a shell. This
 * machine's own packet filter is not touched. Resolves with `yes`, or with what the kernel said. Rejects when the
 * container cannot be run.
 */
export async function probeKernel(image: string): Promise<Readonly<Record<Ability, string>>> {
  // As a run of its own, so that what a killed one leaves is found like everything else.
  const run = `kernel-${process.pid}`
  const { default: Engine } = await import('dockerode')
  try {
    return parseAnswers(await runOnce(new Engine(), run, image))
  } finally {
    await sweep(run, [])
  }
}

async function runOnce(engine: Dockerode, run: string, image: string): Promise<string> {
  const container = await engine.createContainer({
    name: `${namePrefix(run)}probe`,
    Image: image,
    Entrypoint: ['/bin/sh', '-c', script()],
    Labels: { [runLabelKey]: run, ...ownerLabels() },
    // One stream as it is written, instead of frames of two.
    Tty: true,
    HostConfig: { NetworkMode: 'none', CapDrop: ['ALL'], CapAdd: ['NET_ADMIN'], SecurityOpt: ['no-new-privileges'] },
  })
  await container.start()
  await container.wait()
  return (await container.logs({ stdout: true, stderr: true })).toString()
}

function script(): string {
  const tries = Object.entries(abilities).map(
    ([ability, rules], i) => `said=$(nft 'table inet t${i} { ${rules}; }' 2>&1) && said=yes; echo "${ability}=" $said`,
  )
  return tries.join('\n')
}

function parseAnswers(log: string): Readonly<Record<Ability, string>> {
  const lines = log.split(/\r?\n/)
  const answer = (ability: string): string => {
    const line = lines.find((one) => one.startsWith(`${ability}=`))
    return line?.slice(ability.length + 1).trim() ?? 'it did not come to that'
  }
  return Object.fromEntries(Object.keys(abilities).map((name) => [name, answer(name)])) as Record<Ability, string>
}

/** The router image that was made last on this machine; undefined when there is none. */
export async function routerImage(): Promise<string | undefined> {
  const { default: Engine } = await import('dockerode')
  const images = await new Engine().listImages({ filters: { reference: ['outlast/router'] } })
  return images.toSorted((a, b) => b.Created - a.Created)[0]?.Id
}

/** One sentence on the packet filter here, and whether all that it needs is there. Never rejects. */
export async function examineKernel(): Promise<{ readonly able: boolean; readonly detail: string }> {
  try {
    const image = await routerImage()
    if (image === undefined) return { able: false, detail: `unknown: images are not built (${imagesCommand})` }
    return describeAbilities(await probeKernel(image))
  } catch (error) {
    return { able: false, detail: `unknown: ${describeError(error)}` }
  }
}

function describeAbilities(found: Readonly<Record<Ability, string>>): { able: boolean; detail: string } {
  const lacking = Object.entries(found).filter(([, answer]) => answer !== 'yes')
  if (lacking.length === 0) return { able: true, detail: `the kernel has ${Object.keys(found).join(', ')}` }
  return { able: false, detail: lacking.map(([ability, answer]) => `no ${ability}: ${answer}`).join('; ') }
}
