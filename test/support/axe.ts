import axe from 'axe-core'
import type { Tab } from './chromium.ts'

/** What axe holds against the page as it is now, as one line each: all of it, or what is serious. */
export async function audit(tab: Tab, least: 'all' | 'serious' = 'all'): Promise<readonly string[]> {
  await tab.evaluate(axe.source)
  const found = await tab.evaluate<Pick<axe.AxeResults, 'violations'>>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => ({ violations }))`,
  )
  return found.violations
    .filter(({ impact }) => least === 'all' || impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.length} times, as in ${nodes[0]!.html.slice(0, 200)} ${nodes[0]!.failureSummary}`,
    )
}

/** The scheme of colours that the browser asks pages for; undefined: its own. */
export async function wantScheme(tab: Tab, scheme?: 'light' | 'dark'): Promise<void> {
  const features = scheme === undefined ? [] : [{ name: 'prefers-color-scheme', value: scheme }]
  await tab.send('Emulation.setEmulatedMedia', { features })
}
