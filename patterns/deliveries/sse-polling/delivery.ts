import type { Delivery } from '../../contract/types/delivery.ts'
import { sureResults } from '../../contract/types/promises.ts'

const delivery: Delivery = {
  name: 'sse-polling',
  summary: 'a resumable event stream with heartbeats; polling while the stream is down',
  promises: [...sureResults, 'stream-continuity'],
  madeOf: ['polling', 'sse'],
  events: true,
  callback: false,
}
export default delivery
