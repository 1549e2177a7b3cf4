import type { Delivery } from '../../contract/types/delivery.ts'
import { sureResults } from '../../contract/types/promises.ts'

const delivery: Delivery = {
  name: 'sse',
  summary: 'a resumable event stream with heartbeats, and nothing else: no stream, no news',
  promises: [...sureResults, 'stream-continuity'],
  events: true,
  callback: false,
}
export default delivery
