/** The main process: shows the built page under the scheme `app`, and keeps models in the folder of the user. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { app, BrowserWindow, ipcMain, protocol } from 'electron';
import { answer, readModel, saveModel } from './files.js';

const path = name => fileURLToPath(new URL(name, import.meta.url));

protocol.registerSchemesAsPrivileged([
  { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

app.whenReady().then(() => {
  protocol.handle('app', ({ url }) => answer(path('dist'), url));

  const models = join(app.getPath('userData'), 'forecast');
  const handle = (channel, work) =>
    ipcMain.handle(channel, (event, ...values) => {
      if (!event.senderFrame?.url.startsWith('app://page/')) throw new Error('unknown sender');
      return work(...values);
    });
  handle('models:save', artifacts => saveModel(models, artifacts));
  handle('models:load', () => readModel(models));

  const window = new BrowserWindow({
    webPreferences: { preload: path('preload.cjs'), contextIsolation: true, nodeIntegration: false, sandbox: true },
  });
  window.loadURL('app://page/');
});

app.on('window-all-closed', () => app.quit());
