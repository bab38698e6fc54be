/** What the page may call. A preload script in the sandbox is CommonJS. */

const { contextBridge, ipcRenderer } = require('electron');

contextBridge.exposeInMainWorld('models', {
  save: artifacts => ipcRenderer.invoke('models:save', artifacts),
  load: () => ipcRenderer.invoke('models:load'),
});
