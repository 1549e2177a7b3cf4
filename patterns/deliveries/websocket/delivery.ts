import type { Delivery } from '../../contract/types/delivery.ts'
import { sureResults } from '../../contract/types/promises.ts'

const delivery: Delivery = {
  name: 'websocket',
  summary: 'one socket per task, both ways: resumes by last_seq, lives by ping and pong; every command has a REST twin',
  promises: [...sureResults, 'stream-continuity'],
  events: true,
  callback: false,
  sockets: true,
}
export default delivery
