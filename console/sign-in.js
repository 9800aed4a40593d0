// The key comes after the #, which no server sees. It is exchanged for a cookie and leaves the address at once.
const key = location.hash.slice(1)
if (key.startsWith('klc_')) {
  history.replaceState(null, '', `${location.pathname}${location.search}`)
  const field = document.querySelector('#key')
  const form = document.querySelector('#sign-in')
  if (field instanceof HTMLInputElement && form instanceof HTMLFormElement) {
    field.value = key
    form.requestSubmit()
  }
}
