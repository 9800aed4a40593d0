import { afterEach, describe, expect, test } from 'vitest'
import { actionsOf, done, openApi, serverPin, type Api, type ApiOptions } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (options: ApiOptions = {}, account: Parameters<Api['register']>[0] = {}) => {
  api = await openApi(options)
  return api.register(account)
}

describe('The PIN', () => {
  test('is said to be set where the device keeps it, and not asked for there again', async () => {
    await open()
    done(await (await api.loginAt('pin')).step('pin', {}), ['InstallationPinSet', 'PinSet'], 'biometrics')
    expect((await api.loginAt('biometrics')).last.events).toEqual(['OtpVerified'])
    expect((await api.loginAt('pin', { installation: '6ad2b0c4-1f3b-4f0e-8a53-2c9d7e5f1b20' })).last.body.pin).toEqual({ outcome: 'due', keptOn: 'device' })
  })

  test('without a body is said to be set as well', async () => {
    await open()
    done(await (await api.loginAt('pin')).step('pin'), ['InstallationPinSet', 'PinSet'], 'biometrics')
  })

  test('that the server keeps is sealed, and stands nowhere else', async () => {
    const account = await open({ policy: { pinKeptOn: 'server' } })
    const login = await api.loginAt('pin')
    expect(login.last.body.next[0]).toMatchObject({ action: 'pin', needs: ['pin'] })
    done(await login.step('pin', { pin: serverPin }), ['InstallationPinSet', 'PinSet'], 'biometrics')
    const events: unknown[] = []
    for await (const event of api.log.readAll({ prefixes: ['session-', 'account-'] })) events.push(event)
    expect(JSON.stringify(events)).not.toContain(serverPin)
    expect(JSON.stringify(events.at(-2))).toContain(`a1.${account}.`)
  })

  test('may be passed over', async () => {
    await open()
    done(await (await api.loginAt('pin')).step('pin/skip'), ['PinSkipped'], 'biometrics')
  })
})

describe('Biometrics', () => {
  test.each([[true, 'on'], [false, 'off']])('switched (%s) complete the login with tokens', async (enabled, outcome) => {
    await open()
    const reply = await (await api.loginAt('biometrics')).step('biometrics', { enabled })
    done(reply, ['InstallationBiometricToggled', 'BiometricToggled', 'SessionCompleted', 'TokensIssued'], null)
    expect(reply.body).toMatchObject({ session: { status: 'completed', secondsLeft: 0 }, biometrics: { outcome }, tokens: { tokenType: 'Bearer', expiresIn: 600 } })
    expect(actionsOf(reply)).toEqual(['refresh', 'switch_biometrics', 'sign_out'])
  })

  test('may be passed over', async () => {
    await open()
    done(await (await api.loginAt('biometrics')).step('biometrics/skip'), ['BiometricSkipped', 'SessionCompleted', 'TokensIssued'], null)
  })
})
