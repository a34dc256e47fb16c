import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** Returns an unused port. A cluster node also uses the port 10,000 above its own: `most` leaves room for that. */
export async function freePort(most = 65_535): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port <= most ? port : freePort(most)
}
