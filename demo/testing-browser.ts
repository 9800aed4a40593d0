/** A real Chromium with a virtual authenticator (WebDriver, "Virtual Authenticators"), through the protocol of its developer tools. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium as launcher, type Browser, type BrowserContextOptions, type CDPSession, type Page } from 'playwright-core'

/** The installed Chrome on other systems; on Linux the one of the package. */
export async function openBrowser(): Promise<Browser> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return launcher.launch({ channel: 'chrome' })
  const folder = await unpack()
  // The package's own flags are for a function in a cloud: one process, and no web security.
  const options = { executablePath: join(folder, 'chromium'), args: ['--no-sandbox', '--headless=shell', '--disable-gpu'] }
  // A system without the libraries of a desktop takes those that come with it.
  return launcher.launch(options).catch(() => launcher.launch({ ...options, env: { ...process.env, LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') } }))
}

/** Once a machine and version: tests that run at the same time must not see a browser that is half there. */
async function unpack(): Promise<string> {
  const packed = join(import.meta.dirname, '..', 'node_modules', '@sparticuz', 'chromium')
  const { version } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as { version: string }
  const folder = join(tmpdir(), `keyledger-chromium-${version}`)
  if (existsSync(folder)) return folder
  const { default: chromium, inflate } = await import('@sparticuz/chromium')
  const before = process.env['TMPDIR']
  const own = mkdtempSync(join(tmpdir(), 'chromium-'))
  // Where the package unpacks to.
  process.env['TMPDIR'] = own
  try {
    await chromium.executablePath()
    await inflate(join(packed, 'bin', 'al2023.tar.br'))
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  }
  try {
    renameSync(own, folder)
  } catch {
    // Another one was faster.
    rmSync(own, { recursive: true })
  }
  return folder
}

/** One person's device: a page, and the authenticator behind it. */
export async function openDevice(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => message.type() === 'error' && !/status of 4\d\d/.test(message.text()) && faults.push(message.text()))
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable', { enableUI: false })
  return { context, page, faults, authenticator: await addAuthenticator(devtools), devtools }
}

export async function addAuthenticator(devtools: CDPSession) {
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true, defaultBackupEligibility: true, defaultBackupState: true,
    },
  })
  return {
    /** Whether the person goes along: with the prompt, and with face or finger. */
    consents: async (yes: boolean) => {
      await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: yes })
      await devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: yes })
    },
    /** Verification fails: the ceremony ends at once, as when the prompt is dismissed. */
    refusesPerson: (no: boolean) => devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: !no }),
    passkeys: async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    forget: () => devtools.send('WebAuthn.clearCredentials', { authenticatorId }),
  }
}

/** The step that the page shows. */
export const shows = (page: Page, step: string): Promise<void> => page.locator(`#screen[data-step="${step}"]`).waitFor({ timeout: 8_000 })
