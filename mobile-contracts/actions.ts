/** What each action is on the wire: method, path below `/v1/sessions/:id`, and what its body needs. */
import type { Action, SignedInAction } from '../domain/session/vocabulary.ts'

type Request = { method: 'POST' | 'DELETE'; path: string; needs: readonly string[] }

export const requestOf = {
  passkey: { method: 'POST', path: '/passkey', needs: ['credential'] },
  passkey_options: { method: 'POST', path: '/passkey/options', needs: [] },
  passkey_report: { method: 'POST', path: '/passkey/report', needs: ['platform', 'code'] },
  password: { method: 'POST', path: '/password', needs: ['password'] },
  append_options: { method: 'POST', path: '/append/options', needs: [] },
  append: { method: 'POST', path: '/append', needs: ['credential'] },
  append_skip: { method: 'POST', path: '/append/skip', needs: ['reason'] },
  append_report: { method: 'POST', path: '/append/report', needs: ['platform', 'code'] },
  otp_send: { method: 'POST', path: '/otp/send', needs: ['channel'] },
  otp: { method: 'POST', path: '/otp', needs: ['code'] },
  otp_skip: { method: 'POST', path: '/otp/skip', needs: [] },
  pin: { method: 'POST', path: '/pin', needs: [] },
  pin_skip: { method: 'POST', path: '/pin/skip', needs: [] },
  biometrics: { method: 'POST', path: '/biometrics', needs: ['enabled'] },
  biometrics_skip: { method: 'POST', path: '/biometrics/skip', needs: [] },
  refresh: { method: 'POST', path: '/refresh', needs: ['refreshToken'] },
  unlock: { method: 'POST', path: '/unlock', needs: ['pin'] },
  switch_biometrics: { method: 'POST', path: '/biometrics', needs: ['enabled'] },
  sign_out: { method: 'DELETE', path: '', needs: [] },
} as const satisfies Record<Action | SignedInAction, Request>
