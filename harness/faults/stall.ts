import { z } from 'zod'
import { linkFault } from './_kit/link-fault.ts'

/** Both directions go silent without FIN or RST: how a firewall drop or an unplugged cable looks to a process. */
export default linkFault({
  name: 'stall',
  summary: 'no byte passes in either direction and nobody is told; it flows on after the window',
  needs: ['stall'],
  params: z.object({}),
  impact: 'silence',
  toxics: () => [
    { type: 'stall', stream: 'upstream', toxicity: 1, attributes: {} },
    { type: 'stall', stream: 'downstream', toxicity: 1, attributes: {} },
  ],
})
