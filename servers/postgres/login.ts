import { type Address, tryTcp } from '../../harness/os/readiness.ts'

/** Whether it asks for a password instead of answering with an error: then it takes queries (PostgreSQL 18, 54.7). */
export function takesLogins(address: Address): Promise<boolean> {
  return tryTcp(address, (socket, settle) => {
    socket.once('data', (answer) => settle(answer.toString('latin1', 0, 1) === 'R'))
    socket.once('close', () => settle(false))
    socket.write(startupMessage)
  })
}

const startupMessage = startupMessageOf('user\0outlast\0database\0postgres\0\0')

function startupMessageOf(parameters: string): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(head.length + parameters.length, 0)
  head.writeInt32BE(0x3_0000, 4)
  return Buffer.concat([head, Buffer.from(parameters)])
}
