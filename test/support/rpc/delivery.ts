import type { Delivery } from '../../../patterns/contract/types/delivery.ts'
import { sureResults } from '../../../patterns/contract/types/promises.ts'

const delivery: Delivery = {
  name: 'rpc',
  summary: 'two calls over one address, for a test: submit, and tell',
  promises: sureResults,
  ownProtocol: true,
  events: false,
  callback: false,
}
export default delivery
